"""Leaving out whole blocks, one after the other, the least important first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import nn

from palmette_plugins.api.task import Batch, Task
from palmette_plugins.architectures.residual import removable_blocks
from palmette_plugins.edits.drop_blocks import drop_blocks
from palmette_plugins.engines.saliency.blocks import Aggregation, block_importance
from palmette_plugins.engines.saliency.grasp import grasp_scores
from palmette_plugins.engines.saliency.magnitude import magnitude_scores
from palmette_plugins.engines.saliency.snip import snip_scores
from palmette_plugins.engines.saliency.synflow import synflow_scores
from palmette_plugins.engines.saliency.weights import scored_weights


class Criterion(StrEnum):
    """What makes a block important."""

    GRASP = "grasp"
    SNIP = "snip"
    SYNFLOW = "synflow"
    L1 = "l1"
    RANDOM = "random"


@dataclass(frozen=True)
class Removal:
    """One step: the block that went, and the importance of every block that could have gone."""

    block: str
    importance: dict[str, float]


Importance = Callable[[nn.Module, list[str]], Mapping[str, float]]


def remove_blocks(module: nn.Module, importance: Importance, enough: Callable[[list[str]], bool]) -> list[Removal]:
    """Take out the least important block, score the smaller network anew, and so on; changes `module`.

    Args:
        module: The network.
        importance: Importance of the named blocks of a network; larger means: keep.
        enough: Whether to stop, given the names of the blocks gone so far.
    """
    removals: list[Removal] = []
    while not enough([removal.block for removal in removals]):
        scored = dict(importance(module, removable_blocks(module)))
        weakest = min(scored, key=lambda block: scored[block])
        module = drop_blocks(module, names=[weakest])
        removals.append(Removal(weakest, scored))
    return removals


def score_blocks(
    module: nn.Module,
    blocks: list[str],
    *,
    criterion: Criterion,
    aggregation: Aggregation,
    task: Task,
    batch: Batch,
    generator: torch.Generator,
) -> dict[str, float]:
    """Return the importance of each block by a criterion; larger means: keep."""
    if criterion is Criterion.RANDOM:
        return dict(zip(blocks, torch.rand(len(blocks), generator=generator).tolist(), strict=True))
    names = scored_weights(module)
    if criterion is Criterion.L1:
        scores = magnitude_scores(module, names)
    else:
        by_data = {Criterion.GRASP: grasp_scores, Criterion.SNIP: snip_scores, Criterion.SYNFLOW: synflow_scores}
        scores = by_data[criterion](module, names, task, batch)
    return block_importance(scores, blocks, aggregation)
