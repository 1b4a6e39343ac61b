"""A network without some of its nodes, as a physically smaller one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from palmette_plugins.engines.channels.graph import ChannelGraph
from palmette_plugins.engines.sparsity.masks import BIAS_MASK, MASK


def remove_channels(module: nn.Module, graph: ChannelGraph, kept: Mapping[str, Tensor]) -> None:
    """Leave only the `kept` nodes (indices, int64, in rising order) of the named groups; in place.

    Weights, biases, running statistics and masks keep the values of what stays. Layers keep their names.
    """
    for name, link in graph.links.items():
        layer = module.get_submodule(name)
        if link.target is not None and link.target in kept:
            _slice(layer, kept[link.target], 0)
        if link.source is not None and link.source in kept:
            _slice(layer, spread_indices(kept[link.source], link.spread), 1)
        _declare(layer)
    for group, indices in kept.items():
        for name in graph.groups[group].followers:
            _slice(module.get_submodule(name), indices, 0)
            _declare(module.get_submodule(name))


def spread_indices(indices: Tensor, spread: int) -> Tensor:
    """Return the features of nodes that each own `spread` consecutive ones."""
    return (indices[:, None] * spread + torch.arange(spread)).flatten()


def _slice(layer: Any, indices: Tensor, dim: int) -> None:
    """Index the tensors of a layer whose dimension `dim` is its nodes; those of one dimension belong to its outputs."""
    for name in ("weight", "bias", "running_mean", "running_var", MASK, BIAS_MASK):
        tensor = getattr(layer, name, None)
        if not isinstance(tensor, Tensor) or (dim > 0 and tensor.ndim == 1):
            continue
        chosen = tensor.detach().index_select(dim, indices.to(tensor.device))
        if isinstance(tensor, nn.Parameter):
            setattr(layer, name, nn.Parameter(chosen, requires_grad=tensor.requires_grad))
        else:
            setattr(layer, name, chosen)


def _declare(layer: Any) -> None:
    """Make a layer's own sizes say what its tensors are."""
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        layer.out_channels = layer.weight.shape[0]
        if layer.groups > 1:  # depthwise: a group per channel
            layer.groups = layer.out_channels
        layer.in_channels = layer.weight.shape[1] * layer.groups
    elif isinstance(tensor := next((t for t in (layer.running_mean, layer.weight) if t is not None), None), Tensor):
        layer.num_features = len(tensor)
