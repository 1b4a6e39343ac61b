"""Selection: exact counts, ties in pool order, nested sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.engines.contrastive.selection import Cut, cut_at, cut_best, share

SCORES = [0.31, 0.12, 0.28, 0.31, 0.05, 0.22, 0.28, 0.19, 0.40, 0.15]
finite = st.floats(-1, 1, allow_nan=False)
columns = st.lists(st.one_of(finite, st.sampled_from([0.0, -0.0, 0.25, -0.25])), min_size=1, max_size=60)


def kept(cut: Cut, *parts: list[float]) -> set[int]:
    masks = list(cut.masks(lambda: [np.array(part) for part in parts]))
    return set(np.flatnonzero(np.concatenate(masks)).tolist())


def best(scores: list[float], count: int) -> set[int]:
    return kept(cut_best(lambda: [np.array(scores)], count), scores)


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.3, {8, 0, 3}), (0.4, {8, 0, 3, 2}), (0.5, {8, 0, 3, 2, 6}), (1.0, set(range(10)))]
)
def test_the_cards_selections(fraction: float, expected: set[int]) -> None:
    assert best(SCORES, share(fraction, len(SCORES))) == expected


def test_threshold_keeps_all_that_reach_it() -> None:
    cut = cut_at(lambda: [np.array(SCORES)], 0.28)
    assert kept(cut, SCORES) == {8, 0, 3, 2, 6}
    assert cut.kept == 5


def test_share_is_decimal() -> None:
    assert share(0.29, 100) == 29
    assert int(0.29 * 100) == 28  # what binary floats say
    assert share(0.15, 12_800_000_000) == 1_920_000_000
    assert share(1e-05, 100_000) == 1


def test_scores_that_are_not_finite_are_never_kept() -> None:
    scores = [float("nan"), 0.1, float("inf"), float("-inf"), -0.5]
    assert best(scores, 5) == {1, 4}
    assert kept(cut_at(lambda: [np.array(scores)], -1.0), scores) == {1, 4}
    assert cut_best(lambda: [np.array([float("nan")])], 1).kept == 0


@given(columns, st.data())
def test_it_is_what_a_stable_sort_would_keep(scores: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(scores)))
    ranked = sorted(range(len(scores)), key=lambda index: -scores[index])
    assert best(scores, count) == set(ranked[:count])


@given(columns, st.data())
def test_shards_give_the_same_set_as_one_pass(scores: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(scores)))
    middle = data.draw(st.integers(0, len(scores)))
    parts = [scores[:middle], scores[middle:]]
    sharded = cut_best(lambda: [np.array(part) for part in parts], count)
    assert kept(sharded, *parts) == best(scores, count)


@given(columns)
def test_kept_sets_are_nested_and_only_the_order_counts(scores: list[float]) -> None:
    larger: set[int] = set()
    for count in range(len(scores) + 1):
        selected = best(scores, count)
        assert larger <= selected
        assert len(selected) == count
        larger = selected
    ranks = np.searchsorted(np.unique(scores), scores)  # any increasing transform has the same ranks
    count = len(scores) // 2
    assert best((ranks * 3.5 - 7).tolist(), count) == best(scores, count)
