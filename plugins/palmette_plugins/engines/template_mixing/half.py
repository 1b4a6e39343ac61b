"""The network half as wide."""

from __future__ import annotations

from torch import nn

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.api.spec import ModelSpec
from palmette_plugins.architectures.structure import structure_of
from palmette_plugins.architectures.width import width_factor, with_width_factor

_WITH_A_FACTOR = "zoo:resnet<depth>?width=<width> and zoo:wrn-<depth>-<factor>"


def half_width(spec: ModelSpec) -> ModelSpec:
    """Return the spec of the network half as wide.

    Raises:
        InvalidArgument: There is none; field ``reference``.
    """
    reference = Reference.parse(spec.architecture)
    factor = width_factor(reference)
    if factor is None:
        raise InvalidArgument.field(
            "reference", f"'{reference}' has no width factor; architectures that have: {_WITH_A_FACTOR}"
        )
    if factor % 2:
        raise InvalidArgument.field(
            "reference",
            f"'{reference}' has the width factor {factor}, which is odd: no network is half as wide"
            f"{_odd_layer(structure_of(spec))}",
        )
    return ModelSpec(architecture=str(with_width_factor(reference, factor // 2)), task=spec.task)


def _odd_layer(module: nn.Module) -> str:
    """Return a note that names the first layer of odd width, or nothing."""
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.out_channels % 2:
            return f" (layer '{name}' has {layer.out_channels} channels)"
    return ""
