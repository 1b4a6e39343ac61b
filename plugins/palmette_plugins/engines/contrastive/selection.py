"""Which pairs to keep: the k best of a column of scores that may be longer than memory.

The column is given as something that can be gone through again, part by part (the shards of a score table). The
k-th best score is found digit by digit, as a radix sort would: four passes that count, nothing that is sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Column = Callable[[], Iterable[Scores]]  # goes through the scores from the start, in the order of the pool

_DIGIT_BITS = 16
_SHIFTS = (48, 32, 16, 0)


def share(fraction: float, pairs: int) -> int:
    """Return k = floor(fraction * pairs) in decimal arithmetic: 0.29 of 100 is 29, not 28."""
    return int(Decimal(repr(fraction)) * pairs)


@dataclass(frozen=True)
class Cut:
    """Where the kept pairs end.

    Attributes:
        threshold: The lowest kept score; infinite where nothing is kept.
        at_threshold: How many pairs with exactly that score are kept, the first in pool order; None for all.
        kept: How many pairs are kept.
    """

    threshold: float
    at_threshold: int | None
    kept: int

    def masks(self, column: Column) -> Iterator[NDArray[np.bool_]]:
        """Yield for every part of the column which of its pairs are kept. Scores that are not finite never are."""
        left = self.at_threshold
        for scores in column():
            above = np.isfinite(scores) & (scores > self.threshold)
            equal = scores == self.threshold
            if left is not None:
                equal &= np.cumsum(equal) <= left
                left -= int(equal.sum())
            yield above | equal


def cut_best(column: Column, count: int) -> Cut:
    """Return the cut that keeps the `count` best pairs, ties by pool order; all that are finite if there are fewer."""
    available = sum(int(np.isfinite(scores).sum()) for scores in column())
    wanted = min(count, available)
    if wanted == 0:
        return Cut(float("inf"), 0, 0)
    prefix, still = 0, wanted  # digits of the wanted key found so far; its rank among the keys that share them
    for shift in _SHIFTS:
        counts = np.zeros(1 << _DIGIT_BITS, np.int64)
        for scores in column():
            keys = _keys(scores[np.isfinite(scores)])
            if shift < _SHIFTS[0]:
                keys = keys[keys >> np.uint64(shift + _DIGIT_BITS) == prefix]
            digits = (keys >> np.uint64(shift)) & np.uint64(0xFFFF)
            counts += np.bincount(digits.astype(np.int64), minlength=1 << _DIGIT_BITS)
        from_above = np.cumsum(counts[::-1])
        place = int(np.searchsorted(from_above, still))
        digit = (1 << _DIGIT_BITS) - 1 - place
        still -= int(from_above[place] - counts[digit])
        prefix = (prefix << _DIGIT_BITS) | digit
    return Cut(_score(prefix), still, wanted)


def cut_at(column: Column, threshold: float) -> Cut:
    """Return the cut that keeps every finite score that reaches `threshold`."""
    kept = sum(int((np.isfinite(scores) & (scores >= threshold)).sum()) for scores in column())
    return Cut(threshold, None, kept)


def _keys(scores: Scores) -> NDArray[np.uint64]:
    """Return unsigned numbers in the order of the scores; 0.0 and -0.0 are one score."""
    bits = (scores + 0.0).view(np.uint64)
    negative = bits >> np.uint64(63) == 1
    return np.where(negative, ~bits, bits | np.uint64(1 << 63))


def _score(key: int) -> float:
    bits = key ^ (1 << 63) if key >> 63 else key ^ 0xFFFF_FFFF_FFFF_FFFF
    return float(np.array(bits, np.uint64).view(np.float64))
