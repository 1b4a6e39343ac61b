"""Whether a difference between two runs over the same queries could be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

_ROUNDS = 10_000


def paired_t_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p-value of Student's paired t-test; 1 where there is no difference at all."""
    differences = np.subtract(first, second)
    if len(differences) < 2 or not differences.any():
        return 1.0
    if np.ptp(differences) == 0:
        return 0.0  # every query differs by the same amount
    return float(stats.ttest_rel(first, second).pvalue)


def randomisation_test(first: Sequence[float], second: Sequence[float], seed: int, rounds: int = _ROUNDS) -> float:
    """Return the share of random signs of the differences whose mean is as far from 0 (Fisher's test)."""
    differences = np.subtract(first, second)
    generator = np.random.default_rng(seed)
    observed = abs(differences.sum())
    as_far = 0
    for start in range(0, rounds, 1000):
        signs = generator.choice((-1.0, 1.0), (min(1000, rounds - start), len(differences)))
        as_far += int((abs(signs @ differences) >= observed - 1e-12).sum())
    return (as_far + 1) / (rounds + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values corrected for their number by Holm's step-down procedure (1979)."""
    corrected: dict[str, float] = {}
    highest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[name]))
        corrected[name] = highest
    return corrected
