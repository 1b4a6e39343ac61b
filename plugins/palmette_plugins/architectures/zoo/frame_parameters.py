"""Parameters of the zoo's networks of inverted bottlenecks, plain and elastic."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BeforeValidator, Field

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.architectures.mobile.frame import FRAMES, Activation, Frame, custom_frame
from palmette_plugins.architectures.zoo.family import ImageParameters

CUSTOM = "mobile"
FRAME_NAMES = (*FRAMES, CUSTOM)


def _split(value: object) -> object:
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


Positive = Annotated[int, Field(ge=1, le=65_536)]
Numbers = Annotated[tuple[Positive, ...], BeforeValidator(_split)]  # a reference writes them with commas


class FrameParameters(ImageParameters):
    """`widths` (of stem and first block, then of each stage) and what follows it is for ``mobile`` only.

    The other names have frames of their own. `squeeze_excite` are numbers of stages, from 1.
    """

    widths: Numbers | None = None
    strides: Numbers | None = None
    stem_stride: int | None = Field(None, ge=1, le=2)
    activation: Activation | None = None
    squeeze_excite: Numbers | None = None
    dropout: float = Field(0.1, ge=0, lt=1)

    def frame(self, name: str) -> Frame:
        """Return the frame of one of `FRAME_NAMES`; raise `InvalidArgument` (field ``reference``) if there is none."""
        fields = ("widths", "strides", "stem_stride", "activation", "squeeze_excite")
        given = {field: getattr(self, field) for field in fields if getattr(self, field) is not None}
        if name != CUSTOM:
            if given:
                raise InvalidArgument.field(
                    "reference", f"'zoo:{name}' has its own {', '.join(given)}; zoo:{CUSTOM} takes them"
                )
            return replace(FRAMES[name], dropout=self.dropout)
        if "widths" not in given or "strides" not in given:
            raise InvalidArgument.field("reference", f"'zoo:{CUSTOM}' needs widths and strides")
        try:
            return custom_frame(**given, dropout=self.dropout)
        except ValueError as error:
            raise InvalidArgument.field("reference", f"'zoo:{CUSTOM}': {error}") from None
