"""The provider of ``zoo:`` references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from palmette_plugins.api.architecture import ArchitectureProvider
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import NotFound
from palmette_plugins.api.reference_parameters import parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.zoo.convnet import ConvNetFamily
from palmette_plugins.architectures.zoo.family import Family
from palmette_plugins.architectures.zoo.logit_average import LogitAverageFamily
from palmette_plugins.architectures.zoo.mlp import MLPFamily
from palmette_plugins.architectures.zoo.mobile import MobileFamily
from palmette_plugins.architectures.zoo.resnet import ResNetFamily
from palmette_plugins.architectures.zoo.supernets import SupernetFamily
from palmette_plugins.architectures.zoo.tiny_gpt import TinyGPTFamily
from palmette_plugins.architectures.zoo.vgg import VGGFamily
from palmette_plugins.architectures.zoo.wide_resnet import WideResNetFamily

_FAMILIES: tuple[Family[Any], ...] = (
    ResNetFamily(),
    WideResNetFamily(),
    VGGFamily(),
    MLPFamily(),
    ConvNetFamily(),
    TinyGPTFamily(),
    LogitAverageFamily(),
    MobileFamily(),
    SupernetFamily(),
)


class Zoo(ArchitectureProvider):
    """The suite's own small networks."""

    summary = "small networks for small images and small texts"

    def names(self) -> list[str]:
        """Return the usual members of all families."""
        return [name for family in _FAMILIES for name in family.names]

    def tasks(self, reference: Reference) -> frozenset[str]:
        """Return what the family can do."""
        return self._family(reference).tasks

    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with all parameters of its family."""
        return self._family(reference).complete(reference, data)

    def build(self, reference: Reference) -> nn.Module:
        """Build a member."""
        family = self._family(reference)
        parameters = parse_parameters(family.Parameters, reference)
        family.check(reference.target, parameters)
        return family.build(reference.target, parameters)

    def compose(self, reference: Reference, parts: Sequence[nn.Module]) -> nn.Module:
        """Build a member that is made of other models."""
        return self._family(reference).compose(reference.target, list(parts))

    def input_shape(self, reference: Reference) -> tuple[int, ...] | None:
        """Return the shape that the family was made for."""
        family = self._family(reference)
        return family.input_shape(parse_parameters(family.Parameters, reference))

    def width_factor(self, reference: Reference) -> int | None:
        """Return the width factor, see `palmette_plugins.architectures.width`."""
        family = self._family(reference)
        return family.width_factor(reference.target, parse_parameters(family.Parameters, reference))

    def with_width_factor(self, reference: Reference, factor: int) -> Reference:
        """Return the reference in another width, see `palmette_plugins.architectures.width`."""
        return self._family(reference).with_width_factor(reference, factor)

    def _family(self, reference: Reference) -> Family[Any]:
        for family in _FAMILIES:
            if family.pattern.fullmatch(reference.target):
                return family
        raise NotFound.named("zoo model", reference.target, self.names())
