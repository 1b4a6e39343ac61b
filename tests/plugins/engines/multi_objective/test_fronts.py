"""Fronts and hypervolumes, by the card's examples."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.engines.multi_objective.fronts import (
    first_front,
    fronts,
    hypervolume,
    hypervolume_curve,
    knee,
    overlap,
    ranked,
)
from palmette_plugins.engines.multi_objective.objectives import Limit, Objective, feasible, relative_losses

POINTS = np.array([(1, 5), (2, 3), (4, 1), (3, 4), (5, 5)], dtype=float)


def test_the_fronts_of_the_card():
    assert [front.tolist() for front in fronts(POINTS)] == [[0, 1, 2], [3], [4]]
    assert ranked(POINTS).tolist()[3:] == [3, 4]


def test_the_hypervolume_of_the_card():
    points = np.array([(0.2, 0.8), (0.5, 0.5), (0.8, 0.2)])

    assert hypervolume(points, np.ones(2)) == pytest.approx(0.37)


def test_points_beyond_the_reference_add_nothing():
    assert hypervolume(np.array([(0.5, 1.5)]), np.ones(2)) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1.2), st.floats(0, 1.2), st.booleans()), min_size=1, max_size=15))
def test_the_curve_never_falls_and_ends_at_the_hypervolume_of_the_front(rows):
    points, allowed = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])

    curve = hypervolume_curve(points, np.ones(2), allowed)

    assert all(after >= before - 1e-12 for before, after in pairwise(curve))
    assert curve[-1] == pytest.approx(hypervolume(points[allowed], np.ones(2)))
    front = first_front(points, allowed)
    assert hypervolume(points[front], np.ones(2)) == pytest.approx(curve[-1])


def test_the_knee_is_nearest_to_the_ideal_point():
    assert knee(np.array([(0.0, 100.0), (1.0, 20.0), (10.0, 0.0)])) == 1
    assert knee(np.array([(3.0, 4.0)])) == 0


def test_overlap_is_the_share_that_both_have():
    assert overlap([1, 2, 3], [2, 3, 4]) == 0.5
    assert overlap([], []) == 1.0


def test_relative_losses_have_the_reference_at_one_and_the_best_at_zero():
    rows = [{"accuracy": 0.0, "macs": 50.0}, {"accuracy": 1.0, "macs": 100.0}, {"accuracy": 0.8, "macs": 0.0}]
    objectives = [Objective("accuracy", True, 0.0), Objective("macs", False, 100.0)]

    assert relative_losses(rows, objectives) == pytest.approx(np.array([[1, 0.5], [0, 1], [0.2, 0]]))


def test_limits_hold_at_their_bounds():
    rows = [{"macs": 9.0}, {"macs": 10.0}, {"macs": 20.0}, {"macs": 21.0}]

    assert feasible(rows, [Limit("macs", 10.0, 20.0)]).tolist() == [False, True, True, False]
    assert feasible(rows, [Limit("macs", upper=20.0)]).tolist() == [True, True, True, False]
