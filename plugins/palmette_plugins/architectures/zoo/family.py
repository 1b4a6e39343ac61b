"""What a family of the zoo is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from pydantic import Field
from torch import nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters
from palmette_plugins.api.references import Reference

ParametersT = TypeVar("ParametersT", bound=ReferenceParameters)
ImageParametersT = TypeVar("ImageParametersT", bound="ImageParameters")


class Family(ABC, Generic[ParametersT]):
    """Architectures whose names follow one pattern, such as ``resnet20`` and ``resnet56``.

    Attributes:
        names: The usual members, for help texts.
        pattern: Matches the whole name of every member.
        tasks: Names of the tasks that they do.
        Parameters: Everything that shapes a member beside its name, with defaults.
    """

    names: ClassVar[tuple[str, ...]]
    pattern: ClassVar[re.Pattern[str]]
    tasks: ClassVar[frozenset[str]]
    Parameters: type[ParametersT]

    @abstractmethod
    def build(self, name: str, parameters: ParametersT) -> nn.Module:
        """Build a member."""

    @abstractmethod
    def from_data(self, data: DataInfo) -> dict[str, int]:
        """Return the parameters that the data decides."""

    @abstractmethod
    def input_shape(self, parameters: ParametersT) -> tuple[int, ...] | None:
        """Return the shape of one input; None where it is open."""

    def check(self, name: str, parameters: ParametersT) -> None:
        """Raise `InvalidArgument` (field ``reference``) for an impossible member; the default accepts all."""

    def compose(self, name: str, parts: list[nn.Module]) -> nn.Module:
        """Build a member that is made of other models."""
        raise InvalidArgument.field("reference", f"'zoo:{name}' is not made of other models")

    def width_factor(self, name: str, parameters: ParametersT) -> int | None:
        """Return what scales all inner widths; None where there is no such number."""
        return None

    def with_width_factor(self, reference: Reference, factor: int) -> Reference:
        """Return the reference of the member with all inner widths scaled to `factor`."""
        raise InvalidArgument.field("reference", f"'{reference}' has no width factor")

    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with all parameters; refuse those that do not fit the data."""
        decided = self.from_data(data) if data is not None else {}
        filled = reference.with_parameters(**{k: v for k, v in decided.items() if k not in reference.parameters})
        parameters = parse_parameters(self.Parameters, filled)
        wrong = [
            FieldViolation("reference", f"'{reference}' has {key}={getattr(parameters, key)}, but the data has {value}")
            for key, value in decided.items()
            if getattr(parameters, key) != value
        ]
        if wrong:
            raise InvalidArgument(wrong)
        self.check(reference.target, parameters)
        return Reference(reference.scheme, reference.target, as_text(parameters))


class ImageParameters(ReferenceParameters):
    """Parameters of every image classifier of the zoo."""

    in_channels: int = Field(3, ge=1, le=4096)
    num_classes: int = Field(10, ge=1, le=1_000_000)


class ImageFamily(Family[ImageParametersT]):
    """Base of the families that classify images (C, H, W)."""

    tasks = frozenset({"classification"})

    def from_data(self, data: DataInfo) -> dict[str, int]:
        """Return channels and classes."""
        return {"in_channels": data.input_shape[0], "num_classes": data.num_classes}

    def input_shape(self, parameters: ImageParametersT) -> tuple[int, ...] | None:
        """Return the shape of a CIFAR-size image."""
        return (parameters.in_channels, 32, 32)
