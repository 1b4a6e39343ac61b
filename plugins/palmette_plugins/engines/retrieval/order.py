"""The order of hits: higher score first, and of equal scores the passage whose id comes last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Positions = NDArray[np.int64]


def best(scores: Scores, ranks: Positions, k: int) -> Positions:
    """Return the positions of the k best scores, in order; fewer where there are fewer.

    Args:
        scores: (N,), none of them NaN.
        ranks: (N,), a smaller one goes first among equal scores (`Corpus.descending`).
        k: How many.
    """
    if len(scores) > k:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > least)
        level = np.flatnonzero(scores == least)
        # All passages at the least score compete for what is left, not those that the partition happened to take.
        level = level[np.argsort(ranks[level], kind="stable")[: k - len(above)]]
        chosen = np.concatenate([above, level])
    else:
        chosen = np.arange(len(scores))
    return chosen[np.lexsort((ranks[chosen], -scores[chosen]))]
