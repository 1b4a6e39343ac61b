"""Growing: two trained members become the halves of a network twice as wide."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from palmette_plugins.engines.template_mixing.coefficients import CoefficientInit, new_coefficients
from palmette_plugins.engines.template_mixing.layers import MixedLayer, PlainLayer, mixed_layer, plain_layer
from palmette_plugins.engines.template_mixing.mixture import Grid, TemplateMixture

_BATCH_NORMS = nn.modules.batchnorm._BatchNorm


def grow(
    target: nn.Module,
    members: tuple[nn.Module, nn.Module],
    grids: Mapping[str, Grid],
    initial: Mapping[str, Tensor],
    how: CoefficientInit,
    generator: torch.Generator,
) -> nn.Module:
    """Return the grown network, all of its weights mixed from the members' templates.

    Args:
        target: A plain network twice as wide as the members; only its structure is used.
        members: The trained members, from `mixed_member`, on the CPU.
        grids: Layer name -> layout, from `plan_growth`.
        initial: Layer name -> the initial coefficients (4, T).
        how: Where the coefficients of new blocks come from.
        generator: For random coefficients.
    """
    grown = copy.deepcopy(target)
    for name, grid in grids.items():
        plain, halves = plain_layer(grown, name), [mixed_layer(member, name) for member in members]
        grown.set_submodule(name, _grown_layer(plain, halves, grid, initial[name], how, generator))
    for name, layer in grown.named_modules():
        if isinstance(layer, _BATCH_NORMS):
            _concatenate_norms(layer, [member.get_submodule(name) for member in members])
    return grown


def _grown_layer(
    plain: PlainLayer,
    halves: Sequence[MixedLayer],
    grid: Grid,
    initial: Tensor,
    how: CoefficientInit,
    generator: torch.Generator,
) -> MixedLayer:
    learned = [half.mixture.coefficients["0"] for half in halves]
    coefficients = [*learned, *new_coefficients(how, learned, initial, generator)]
    sets = [half.mixture.templates(0) for half in halves]
    layer = MixedLayer(plain, TemplateMixture(grid, sets, [coefficients[block] for block in grid.blocks]))
    biases = [half.bias.detach() for half in halves if half.bias is not None]
    if biases:
        # Summed where the outputs are not split, so that the logits are the sum of both members'.
        layer.bias = nn.Parameter(torch.stack(biases).sum(dim=0) if grid is Grid.INPUTS else torch.cat(biases))
    return layer


def _concatenate_norms(target: nn.Module, halves: Sequence[nn.Module]) -> None:
    """Give `target` the members' weights, biases and running statistics, one after the other."""
    states = [half.state_dict() for half in halves]
    with torch.no_grad():
        for name, tensor in target.state_dict(keep_vars=True).items():
            parts = [state[name] for state in states]
            tensor.copy_(torch.cat(parts) if tensor.ndim else parts[0])
