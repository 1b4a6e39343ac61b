"""Learning-rate schedules as numbers."""

from __future__ import annotations

import pytest

from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.schedules import learning_rate_factor, milestone_epochs

STEPS = 10  # per epoch


def factors(recipe: Recipe) -> list[float]:
    total = STEPS * recipe.epochs
    return [learning_rate_factor(recipe, step, STEPS, total) for step in range(total)]


def test_cosine_falls_from_one_through_a_half_to_min_lr() -> None:
    curve = factors(Recipe(epochs=4, lr=0.1, min_lr=0.02))
    assert curve[0] == 1.0
    assert curve[20] == pytest.approx(0.6)  # half way between 1 and 0.2
    assert curve[-1] == pytest.approx(0.2, abs=2e-3)
    assert curve == sorted(curve, reverse=True)


def test_warm_up_rises_linearly_before_the_schedule() -> None:
    curve = factors(Recipe(epochs=4, warmup_epochs=0.5, schedule="constant"))
    assert curve[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert set(curve[5:]) == {1.0}


def test_steps_are_taken_at_the_milestones() -> None:
    curve = factors(Recipe(epochs=4, schedule="step", milestones=(1, 3), gamma=0.1))
    assert [curve[STEPS * epoch] for epoch in range(4)] == pytest.approx([1.0, 0.1, 0.1, 0.01])
    assert curve[STEPS - 1] == 1.0


def test_milestones_default_to_a_half_and_three_quarters() -> None:
    assert milestone_epochs(Recipe(epochs=160)) == (80, 120)
    assert milestone_epochs(Recipe(epochs=1)) == (1,)
