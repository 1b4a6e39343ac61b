"""The search space of a configuration."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider
from palmette_plugins.architectures.mobile.frame import Activation

SpaceName = Literal["mobile-small", "mbv3", "proxyless", "custom"]
_FRAME_FIELDS = ("widths", "strides", "stem_stride", "activation", "squeeze_excite")


class SpaceConfig(BaseModel):
    """What varies, and around what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: SpaceName = Field(
        "mobile-small",
        description="mobile-small: MobileNetV3 scaled to images of about 32x32; mbv3 and proxyless: the paper's; "
        "custom: of your own widths and strides",
    )
    depths: tuple[int, ...] = Field((2, 3, 4), min_length=1, description="blocks that a stage may have")
    expands: tuple[int, ...] = Field((3, 4, 6), min_length=1, description="expand ratios that a block may have")
    kernels: tuple[int, ...] = Field((3, 5, 7), min_length=1, description="kernel sizes that a block may have")
    resolutions: tuple[int, ...] = Field(
        (), description="sides of images in pixels, such as 128, 132, ... 224; those of the data when empty"
    )
    widths: tuple[int, ...] = Field((), description="custom: channels of stem and first block, then of each stage")
    strides: tuple[int, ...] = Field((), description="custom: stride of each stage")
    stem_stride: int = Field(1, ge=1, le=2, description="custom: stride of the stem")
    activation: Activation = Field(Activation.RELU, description="custom: activation")
    squeeze_excite: tuple[int, ...] = Field((), description="custom: stages with squeeze-and-excitation, from 1")

    @model_validator(mode="after")
    def _frame_is_custom(self) -> Self:
        given = [field for field in _FRAME_FIELDS if field in self.model_fields_set]
        if self.name != "custom" and given:
            raise ValueError(f"{', '.join(given)} are for custom spaces; '{self.name}' has its own")
        if self.name == "custom" and not (self.widths and self.strides):
            raise ValueError("custom needs widths and strides")
        return self

    def reference(self, data: DataInfo, dropout: float) -> Reference:
        """Return the complete reference of the untrained supernet for `data`.

        Raises:
            InvalidArgument: The space is impossible (field ``config.space``).
        """
        values: dict[str, Any] = {"depths": self.depths, "expands": self.expands, "kernels": self.kernels}
        if self.resolutions:
            values["resolutions"] = self.resolutions
        if self.name == "custom":
            values |= {field: getattr(self, field) for field in _FRAME_FIELDS if getattr(self, field) != ()}
        name = "mobile" if self.name == "custom" else self.name
        reference = Reference("zoo", f"{name}-supernet").with_parameters(
            dropout=dropout, **{key: _text(value) for key, value in values.items()}
        )
        try:
            return architecture_provider(reference).complete(reference, data)
        except InvalidArgument as error:
            what = "; ".join(violation.description for violation in error.violations)
            raise InvalidArgument.field("config.space", what) from None


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
