"""Statistics of a comparison, against scipy and against cases worked out by hand."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from palmette_plugins.engines.sparse_search.convergence import common_target, steps_to_loss
from palmette_plugins.engines.sparse_search.statistics import (
    Verdict,
    compare,
    interval,
    percentile,
    spearman,
    verdict_of,
)

FOUND = [91.0, 92.5, 90.5, 93.0]
RANDOM = [90.0, 92.0, 91.0, 91.0]


def test_the_interval_is_student_s():
    found = compare(FOUND, RANDOM, 0.5)
    expected = stats.ttest_rel(FOUND, RANDOM).confidence_interval(0.95)

    assert found.mean == pytest.approx(0.75)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p == pytest.approx(stats.wilcoxon([1.0, 0.5, -0.5, 2.0]).pvalue)
    assert interval([1.0, 0.5, -0.5, 2.0]) == pytest.approx((expected.low, expected.high))


def test_equivalence_is_two_one_sided_tests():
    differences = [0.1, -0.1, 0.05, 0.0]
    found = compare(differences, [0.0] * 4, 0.5)
    above = stats.ttest_1samp(differences, -0.5, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, 0.5, alternative="less").pvalue

    assert found.tost_p == pytest.approx(max(above, below))
    assert found.verdict is Verdict.EQUIVALENT


def test_unpaired_samples_are_compared_as_welch_does():
    found = compare(FOUND, RANDOM, 0.5, paired=False)
    expected = stats.ttest_ind(FOUND, RANDOM, equal_var=False).confidence_interval(0.95)

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p == pytest.approx(stats.mannwhitneyu(FOUND, RANDOM).pvalue)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([2.0, 2.1, 1.9, 2.0], Verdict.BETTER),
        ([-2.0, -2.1, -1.9, -2.0], Verdict.WORSE),
        ([0.02, 0.01, 0.03, 0.02], Verdict.EQUIVALENT),  # not 0, but smaller than what matters
        ([5.0, -5.0, 4.0, -4.0], Verdict.UNDECIDED),  # no significant difference is no equivalence
        ([0.0, 0.0, 0.0, 0.0], Verdict.EQUIVALENT),
        ([1.0, 1.0, 1.0, 1.0], Verdict.BETTER),
    ],
)
def test_verdicts(differences, verdict):
    assert compare(differences, [0.0] * 4, 0.5).verdict is verdict


def test_no_difference_at_all_has_p_one():
    assert compare([1.0, 2.0], [1.0, 2.0], 0.5).p == 1.0


def test_one_seed_allows_no_comparison():
    with pytest.raises(ValueError, match="two seeds"):
        compare([1.0], [0.0], 0.5)


def test_an_interval_that_touches_zero_decides_nothing():
    assert verdict_of(0.0, 2.0, 0.9) is Verdict.UNDECIDED


def test_percentile_and_rank_correlation():
    assert percentile(3.0, [1.0, 2.0, 3.0, 4.0]) == 62.5
    assert spearman([1, 2, 3, 4], [8, 6, 4, 2]) == pytest.approx(-1.0)
    assert math.isnan(spearman([1, 1], [1, 2]))


def test_steps_to_a_loss_are_read_between_epochs():
    history = [{"step": 10.0, "train/loss": 2.0}, {"step": 20.0, "train/loss": 1.0}]

    assert steps_to_loss(history, 2.5) == 5.0
    assert steps_to_loss(history, 1.5) == 10.0
    assert steps_to_loss(history, 1.0) == 15.0
    assert steps_to_loss(history, 0.5) is None
    assert common_target([history, [{"step": 10.0, "train/loss": 1.4}]]) == 1.4
