"""Channel sorting: before a block may be narrower, its most important channels come first (Cai et al., section 3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from palmette_plugins.architectures.mobile.widths import hidden_width, middle_width
from palmette_plugins.engines.elastic.block import ElasticBlock
from palmette_plugins.engines.elastic.supernet import Supernet


def sort_channels(supernet: Supernet, supported: Sequence[int]) -> None:
    """Sort the channels inside every block, in place, within bands that leave all `supported` expand ratios' functions.

    Importance of a channel is the L1 norm of its column of the projection; of a hidden unit of a
    squeeze-and-excitation, that of its column of the second layer.

    Args:
        supernet: The network.
        supported: Expand ratios that have been trained; the bands lie between them.
    """
    for stage in supernet.stages:
        for block in stage:  # type: ignore[attr-defined]
            sort_block(block, supported)


@torch.no_grad()
def sort_block(block: ElasticBlock, supported: Sequence[int]) -> None:
    """Sort the channels of one block."""
    middles = [middle_width(block.in_channels, expand) for expand in supported]
    order = banded_order(block.project.weight.abs().sum(dim=(0, 2, 3)), middles)
    assert block.expand is not None
    assert block.expand_norm is not None
    _permute([block.expand.weight, block.depthwise.weight], order)
    for norm in (block.expand_norm, block.depthwise_norm):
        _permute([norm.weight, norm.bias, norm.running_mean, norm.running_var], order)
    _permute([block.project.weight], order, dim=1)
    excite = block.squeeze_excite
    if excite is None:
        return
    _permute([excite.expand.weight, excite.expand.bias], order)  # type: ignore[list-item]
    _permute([excite.reduce.weight], order, dim=1)
    hidden = banded_order(excite.expand.weight.abs().sum(dim=(0, 2, 3)), [hidden_width(width) for width in middles])
    _permute([excite.reduce.weight, excite.reduce.bias], hidden)  # type: ignore[list-item]
    _permute([excite.expand.weight], hidden, dim=1)


def banded_order(importance_M: Tensor, ends: Iterable[int]) -> Tensor:
    """Return the order of falling importance inside each band; `ends` are where bands end, beside the last."""
    borders = sorted({0, *ends, len(importance_M)})
    bands = [
        low + torch.argsort(importance_M[low:high], descending=True, stable=True) for low, high in pairwise(borders)
    ]
    return torch.cat(bands)


def _permute(tensors: Sequence[Tensor | None], order: Tensor, dim: int = 0) -> None:
    for tensor in tensors:
        if tensor is not None:
            tensor.copy_(tensor.index_select(dim, order))
