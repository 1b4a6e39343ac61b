"""Fusing runs: reciprocal ranks, or normalised scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palmette_plugins.engines.retrieval.run import Ranked, RankedRun, ranked

RRF_K = 60.0


def reciprocal_rank_fusion(runs: Sequence[RankedRun], k: float = RRF_K, most: int = 1000) -> dict[str, Ranked]:
    """Return the run of the scores s(d) = sum over runs of 1 / (k + rank of d), ranks from 1 (Cormack et al., 2009)."""
    return {query: _fused([run[query] for run in runs if query in run], k, most) for query in _queries(runs)}


def linear_fusion(first: RankedRun, second: RankedRun, weight: float = 0.5, most: int = 1000) -> dict[str, Ranked]:
    """Return the run of the scores weight * first + (1 - weight) * second, each scaled to [0, 1] per query.

    A passage that one run does not have gets 0 from it; equal scores scale to 1.
    """
    fused = {}
    for query in _queries((first, second)):
        scores: dict[str, float] = {}
        for run, share in ((first, weight), (second, 1 - weight)):
            if query in run:
                for identifier, value in zip(run[query].ids, _scaled(run[query]), strict=True):
                    scores[identifier] = scores.get(identifier, 0.0) + share * float(value)
        fused[query] = ranked(list(scores), scores.values(), most)
    return fused


def _fused(lists: Sequence[Ranked], k: float, most: int) -> Ranked:
    scores: dict[str, float] = {}
    for hits in lists:
        for rank, identifier in enumerate(hits.ids, start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1.0 / (k + rank)
    return ranked(list(scores), scores.values(), most)


def _scaled(hits: Ranked) -> np.ndarray:
    scores = hits.scores.astype(np.float64)
    if not len(scores) or scores.max() == scores.min():
        return np.ones_like(scores)
    return np.asarray((scores - scores.min()) / (scores.max() - scores.min()))


def _queries(runs: Sequence[RankedRun]) -> list[str]:
    return list(dict.fromkeys(query for run in runs for query in run))
