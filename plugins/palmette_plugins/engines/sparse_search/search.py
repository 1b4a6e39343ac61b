"""Random search: score N candidates, keep the best; a resumed job goes on after the last scored part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from palmette_plugins.engines.sparse_search.candidates import Candidate
from palmette_plugins.engines.sparse_search.scoring import Scene, Score, can_batch
from palmette_plugins.engines.sparse_search.spaces import MaskSpace

if TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext

AT_ONCE = 16  # candidates in one pass
_SAVE_S = 20.0  # seconds between checkpoints of the scores


def scored(
    job: JobContext,
    phase: str,
    candidates: Sequence[Candidate],
    space: MaskSpace,
    scene: Scene,
    score: Score,
    progress: Callable[[float], None],
) -> list[float]:
    """Return the score of every candidate, in order; `progress` is called with the done share."""
    if (finished := job.phases.finished(phase)) is not None:
        return list(finished["scores"])
    running = job.phases.running(phase)
    scores: list[float] = list(running["scores"]) if running else []
    refusal = can_batch(scene, candidates[0].masks(space))
    if refusal:
        job.logger.warning("scoring one candidate at a time: %s", refusal)
        scene.batched = False
    saved_s = time.monotonic()
    while len(scores) < len(candidates):
        part = candidates[len(scores) : len(scores) + AT_ONCE]
        scores += score.scores(scene, [candidate.masks(space) for candidate in part])
        progress(len(scores) / len(candidates))
        if time.monotonic() - saved_s > _SAVE_S:
            job.phases.save(phase, {"scores": scores})
            saved_s = time.monotonic()
    job.phases.finish(phase, {"scores": scores})
    return scores


def best(scores: Sequence[float], *, higher_is_better: bool) -> int:
    """Return the index of the best score, the earlier one of equals; a score that is no number is the worst."""
    return min(range(len(scores)), key=lambda index: (_loss(scores[index], higher_is_better), index))


def worst(scores: Sequence[float], *, higher_is_better: bool) -> int:
    """Return the index of the worst score that is a number, the earlier one of equals."""
    numbers = [index for index, score in enumerate(scores) if not math.isnan(score)] or [0]
    return max(numbers, key=lambda index: (_loss(scores[index], higher_is_better), -index))


def _loss(score: float, higher_is_better: bool) -> float:
    if math.isnan(score):
        return math.inf
    return -score if higher_is_better else score
