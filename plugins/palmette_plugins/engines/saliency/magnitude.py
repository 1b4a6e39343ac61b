"""Magnitude: |w|, which needs no data."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from palmette_plugins.engines.saliency.weights import tensors


def magnitude_scores(module: nn.Module, names: Sequence[str]) -> dict[str, Tensor]:
    """Return |w| for every entry of the named parameters; larger means: keep."""
    return {name: p.detach().abs() for name, p in zip(names, tensors(module, names), strict=True)}
