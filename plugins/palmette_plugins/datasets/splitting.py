"""Splits that depend on nothing but the data's keys, their classes and a seed.

Orders come from SHA-256, not from a random number generator, so they are the same in every version of every
library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def stable_order(keys: Sequence[Hashable], seed: int = 0) -> Indices:
    """Return the positions of `keys` in a pseudo-random order that depends on the keys and `seed` alone."""
    digests = [hashlib.sha256(f"{seed}:{key}".encode()).digest() for key in keys]
    return np.array(sorted(range(len(keys)), key=digests.__getitem__), dtype=np.int64)


def balanced_counts(available: Sequence[int], total: int) -> list[int]:
    """Share `total` among classes as evenly as what is available allows.

    Classes differ by at most one unless a smaller one is used up; earlier classes get the odd ones.
    """
    if total > sum(available):
        raise ValueError(f"cannot take {total} of {sum(available)}")
    level = 0  # what every class gives, if it has that many
    while sum(min(count, level + 1) for count in available) <= total and level < max(available, default=0):
        level += 1
    counts = [min(count, level) for count in available]
    odd = total - sum(counts)
    for index in [index for index, count in enumerate(available) if count > level][:odd]:
        counts[index] += 1
    return counts


def balanced_prefix(classes: NDArray[np.integer], total: int, num_classes: int) -> Indices:
    """Return the first examples of every class in their order, `total` in all, evenly over the classes."""
    positions = [np.flatnonzero(classes == index) for index in range(num_classes)]
    counts = balanced_counts([len(members) for members in positions], total)
    chosen = [members[:count] for members, count in zip(positions, counts, strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def stratified_split(
    classes: NDArray[np.integer], keys: Sequence[Hashable], fractions: Sequence[float], num_classes: int, seed: int = 0
) -> list[Indices]:
    """Split into parts of the given fractions, each class on its own; the last part takes what is left.

    Every part gets at least one example of every class that has as many examples as there are parts.
    Positions come back sorted.
    """
    parts: list[list[NDArray[np.int64]]] = [[] for _ in range(len(fractions) + 1)]
    order = stable_order(keys, seed)
    ordered_classes = np.asarray(classes)[order]
    for index in range(num_classes):
        members = order[ordered_classes == index]
        least = 1 if len(members) > len(fractions) else 0
        start = 0
        for rank, fraction in enumerate(fractions):
            still_needed = least * (len(fractions) - rank)
            count = min(max(least, round(fraction * len(members))), len(members) - start - still_needed)
            parts[rank].append(members[start : start + count])
            start += count
        parts[-1].append(members[start:])
    return [np.sort(np.concatenate(part)).astype(np.int64) for part in parts]
