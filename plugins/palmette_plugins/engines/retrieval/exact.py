"""Exact search: all inner products, chunk by chunk, with a running top k."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from palmette_plugins.engines.retrieval.order import Positions, Scores, best
from palmette_plugins.engines.retrieval.text_encoder import Vectors

_QUERIES = 256  # at a time
_SCORES = 1 << 24  # at a time


def exact_search(
    queries: Vectors,
    chunks: Iterable[tuple[int, Vectors]],
    ranks: Positions,
    k: int,
    *,
    owners: NDArray[np.int64] | None = None,
    device: torch.device | str = "cpu",
) -> list[tuple[Scores, Positions]]:
    """Return scores and positions of the k best passages for each query, in order.

    Args:
        queries: (Q, d).
        chunks: (first position, vectors (n, d)), in order; only one is looked at at a time.
        ranks: Of all passages, the order among ties (see `best`).
        k: Hits of each query.
        owners: Passage of each vector, ascending, where a passage has several (windows of its sentences); its score is
            that of its best vector.
        device: Where to multiply.
    """
    found: list[tuple[Scores, Positions]] = [(np.empty(0, np.float32), np.empty(0, np.int64)) for _ in queries]
    on_device = torch.from_numpy(np.ascontiguousarray(queries)).to(device)
    for first, vectors in chunks:
        step = max(1, _SCORES // min(_QUERIES, len(queries)))
        for start in range(0, len(vectors), step):
            part = torch.from_numpy(np.array(vectors[start : start + step], np.float32)).to(device)
            positions = np.arange(first + start, first + start + len(part))
            for begin in range(0, len(queries), _QUERIES):
                scores = (on_device[begin : begin + _QUERIES] @ part.T).cpu().numpy()
                for row, values in enumerate(scores):
                    found[begin + row] = _merged(found[begin + row], values, positions, ranks, k, owners)
    return found


def _merged(
    before: tuple[Scores, Positions],
    values: Scores,
    positions: Positions,
    ranks: Positions,
    k: int,
    owners: NDArray[np.int64] | None,
) -> tuple[Scores, Positions]:
    """Return the k best of what was found before and of one chunk."""
    if owners is not None:
        of_chunk = owners[positions]
        begins = np.flatnonzero(np.r_[True, of_chunk[1:] != of_chunk[:-1]])
        values, positions = np.maximum.reduceat(values, begins), of_chunk[begins]
        shared = np.isin(before[1], positions[:1])  # a passage whose vectors lie in two chunks
        if shared.any():
            values[0] = max(values[0], before[0][shared][0])
            before = (before[0][~shared], before[1][~shared])
    new = best(values, ranks[positions], k)
    scores = np.concatenate([before[0], values[new]])
    places = np.concatenate([before[1], positions[new]])
    chosen = best(scores, ranks[places], k)
    return scores[chosen], places[chosen]
