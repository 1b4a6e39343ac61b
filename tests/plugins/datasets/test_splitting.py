"""Splits: complete, disjoint, balanced, and the same everywhere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.datasets.splitting import balanced_counts, balanced_prefix, stable_order, stratified_split

classes_of_examples = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(np.array)


@given(classes_of_examples, st.integers(0, 5), st.floats(0.05, 0.6), st.floats(0.05, 0.35))
def test_a_split_holds_every_example_exactly_once(classes, seed, first, second):
    parts = stratified_split(classes, range(len(classes)), (first, second), 5, seed)

    assert sorted(np.concatenate(parts).tolist()) == list(range(len(classes)))


@given(classes_of_examples, st.integers(0, 5))
def test_every_part_has_each_class_that_has_enough_examples(classes, seed):
    parts = stratified_split(classes, range(len(classes)), (0.7, 0.1), 5, seed)

    for index in np.flatnonzero(np.bincount(classes, minlength=5) >= 3):
        assert all((classes[part] == index).any() for part in parts)


def test_parts_have_the_fractions_asked_for_class_by_class():
    classes = np.repeat(np.arange(3), 100)

    train, validation, test = stratified_split(classes, range(300), (0.7, 0.1), 3)

    assert [np.bincount(classes[part]).tolist() for part in (train, validation, test)] == [
        [70, 70, 70],
        [10, 10, 10],
        [20, 20, 20],
    ]


def test_a_split_depends_on_the_seed_alone():
    classes = np.repeat(np.arange(3), 100)

    first, again, other = (stratified_split(classes, range(300), (0.7, 0.1), 3, seed)[0] for seed in (1, 1, 2))

    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_the_order_never_changes_between_versions_of_anything():
    # `printf 0:a | sha256sum` and so on: 9df3..., e021..., be08..., 7d98...
    assert stable_order(["a", "b", "c", "d"]).tolist() == [3, 0, 2, 1]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.data())
def test_balanced_counts_are_exact_and_as_even_as_can_be(available, data):
    total = data.draw(st.integers(0, sum(available)))

    counts = balanced_counts(available, total)

    assert sum(counts) == total
    assert all(count <= most for count, most in zip(counts, available, strict=True))
    unexhausted = [count for count, most in zip(counts, available, strict=True) if count < most]
    assert not unexhausted or max(counts) - min(unexhausted) <= 1


@given(classes_of_examples, st.data())
def test_a_balanced_prefix_takes_the_first_of_each_class(classes, data):
    total = data.draw(st.integers(0, len(classes)))

    chosen = balanced_prefix(classes, total, 5)

    assert len(chosen) == total
    assert sorted(set(chosen.tolist())) == chosen.tolist()
    for index in range(5):
        members = np.flatnonzero(classes == index)
        taken = [position for position in chosen if classes[position] == index]
        assert taken == members[: len(taken)].tolist()
