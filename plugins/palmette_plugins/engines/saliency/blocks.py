"""Importance of whole blocks from the scores of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import torch
from torch import Tensor

from palmette_plugins.api.errors import FailedPrecondition


class Aggregation(StrEnum):
    """How the scores of a block's weights become one number."""

    MEAN = "mean"
    SUM = "sum"


def block_importance(scores: Mapping[str, Tensor], blocks: Sequence[str], how: Aggregation) -> dict[str, float]:
    """Return each block's importance: the mean or sum over the scores of all its weights (not per tensor).

    Args:
        scores: Parameter name -> scores, from this package.
        blocks: Names of modules.
        how: The aggregation.

    Raises:
        FailedPrecondition: A score is not a finite number, so that no order can be trusted.
    """
    importance = {}
    for block in blocks:
        inside = [s.flatten().double() for name, s in scores.items() if name.startswith(f"{block}.")]
        if not inside:
            raise FailedPrecondition(f"block '{block}' has no weights to score; use criterion random")
        values = torch.cat(inside)
        importance[block] = float(values.mean() if how is Aggregation.MEAN else values.sum())
    broken = [block for block, value in importance.items() if not torch.isfinite(torch.tensor(value))]
    if broken:
        raise FailedPrecondition(f"the scores of block '{broken[0]}' are not finite; use another criterion")
    return importance
