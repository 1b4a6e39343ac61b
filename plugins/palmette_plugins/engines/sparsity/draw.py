"""Mask positions, uniformly at random within a layer."""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor

from palmette_plugins.engines.sparsity.plan import PlannedLayer, SparsityPlan


class Draw(StrEnum):
    """How positions are drawn."""

    EXACT = "exact"
    BERNOULLI = "bernoulli"


def draw_masks(plan: SparsityPlan, draw: Draw, generator: torch.Generator) -> dict[str, Tensor]:
    """Return a mask per planned layer (bool, True = kept), drawn layer by layer from `generator`."""
    chosen = draw_exact if draw is Draw.EXACT else draw_bernoulli
    return {layer.name: chosen(layer, generator) for layer in plan.layers}


def draw_exact(layer: PlannedLayer, generator: torch.Generator) -> Tensor:
    """Return a mask with exactly `layer.kept` positions, drawn without replacement."""
    mask = torch.zeros(layer.weights, dtype=torch.bool)
    mask[torch.randperm(layer.weights, generator=generator)[: layer.kept]] = True
    return mask.view(layer.shape)


def draw_bernoulli(layer: PlannedLayer, generator: torch.Generator) -> Tensor:
    """Return a mask with each position kept with probability `layer.density`, as the paper's code draws it.

    A layer that came out empty is drawn again: it would cut the network in two.
    """
    while True:
        mask = torch.rand(layer.shape, generator=generator) < layer.density
        if bool(mask.any()):
            return mask
