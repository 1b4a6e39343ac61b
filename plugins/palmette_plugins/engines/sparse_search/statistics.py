"""What may be said of a search after a few seeds: intervals, tests, and equivalence within a margin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev

from scipy import stats

CONFIDENCE = 0.95
ALPHA = 0.05  # of each of the two one-sided tests


class Verdict(StrEnum):
    """What a difference means at a margin."""

    BETTER = "better"
    EQUIVALENT = "equivalent"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Comparison:
    """An arm against the random ones, over seeds; differences are positive where the arm is better.

    Attributes:
        mean: Mean difference.
        deviation: Standard deviation of the differences (of the arm's values when not paired).
        low: Lower end of the 95 % interval (Student's t).
        high: Upper end.
        p: Two-sided p of Wilcoxon's signed-rank test (of the rank-sum test when not paired).
        tost_p: The larger p of the two one-sided tests that the difference lies inside the margin.
        verdict: See `verdict_of`.
        count: Differences.
    """

    mean: float
    deviation: float
    low: float
    high: float
    p: float
    tost_p: float
    verdict: Verdict
    count: int


def compare(arm: Sequence[float], random: Sequence[float], margin: float, *, paired: bool = True) -> Comparison:
    """Compare an arm with the mean of the random ones, one value of each per seed, larger = better.

    Args:
        arm: The arm's values by seed.
        random: The means of the random sub-networks by seed.
        margin: The largest difference that does not matter.
        paired: Both were measured seed by seed; else they are two independent samples (Welch, rank sums).

    Raises:
        ValueError: Fewer than two seeds.
    """
    if len(arm) < 2:
        raise ValueError(f"a comparison needs at least two seeds, got {len(arm)}")
    differences = [a - b for a, b in zip(arm, random, strict=True)]
    mean = fmean(differences)
    error, freedom = _paired_error(differences) if paired else _welch_error(arm, random)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error if error else 0.0
    tost_p = _tost(mean, error, freedom, margin)
    low, high = mean - half, mean + half
    deviation = stdev(differences if paired else arm)
    p = _signed_rank_p(differences) if paired else _rank_sum_p(arm, random)
    return Comparison(mean, deviation, low, high, p, tost_p, verdict_of(low, high, tost_p), len(arm))


def verdict_of(low: float, high: float, tost_p: float) -> Verdict:
    """Return the verdict of an interval and the equivalence test.

    A difference that is shown to lie inside the margin is equivalent, even where it is not 0; one whose interval
    excludes 0 is better or worse; the rest is undecided. That nothing was found is never taken for equivalence.
    """
    if tost_p < ALPHA:
        return Verdict.EQUIVALENT
    if low > 0:
        return Verdict.BETTER
    return Verdict.WORSE if high < 0 else Verdict.UNDECIDED


def percentile(value: float, others: Sequence[float]) -> float:
    """Return the share of `others` below `value`, equal ones counted half, in percent."""
    below = sum(other < value for other in others) + 0.5 * sum(other == value for other in others)
    return 100.0 * below / len(others)


def spearman(scores: Sequence[float], metrics: Sequence[float]) -> float:
    """Return the rank correlation; NaN where one of the two never varies."""
    if len(set(scores)) < 2 or len(set(metrics)) < 2:
        return math.nan
    return float(stats.spearmanr(scores, metrics).statistic)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean (Student's t); the value itself for a single one."""
    if len(values) < 2:
        return values[0], values[0]
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def _paired_error(differences: Sequence[float]) -> tuple[float, float]:
    return stdev(differences) / math.sqrt(len(differences)), len(differences) - 1


def _welch_error(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Return the standard error of the difference of two means, and Welch's degrees of freedom."""
    parts = [stdev(values) ** 2 / len(values) for values in (first, second)]
    spread = sum(part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True))
    return math.sqrt(sum(parts)), sum(parts) ** 2 / spread if spread else len(first) + len(second) - 2.0


def _tost(mean: float, error: float, freedom: float, margin: float) -> float:
    if error == 0:
        return 0.0 if abs(mean) < margin else 1.0
    above_low = float(stats.t.sf((mean + margin) / error, freedom))
    below_high = float(stats.t.cdf((mean - margin) / error, freedom))
    return max(above_low, below_high)


def _signed_rank_p(differences: Sequence[float]) -> float:
    if not any(differences):
        return 1.0
    return float(stats.wilcoxon(differences).pvalue)


def _rank_sum_p(first: Sequence[float], second: Sequence[float]) -> float:
    return float(stats.mannwhitneyu(first, second, alternative="two-sided").pvalue)
