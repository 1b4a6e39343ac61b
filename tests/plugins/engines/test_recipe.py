"""The recipe: defaults that fit together, and every mistake named."""

from __future__ import annotations

from typing import Any

import pytest

from palmette_plugins.api import InvalidArgument, MethodConfig
from palmette_plugins.api.config import parse_config
from palmette_plugins.engines.recipe import Recipe


class Config(MethodConfig):
    recipe: Recipe = Recipe()


def test_adamw_gets_a_learning_rate_of_its_own() -> None:
    assert Recipe(optimizer="adamw").lr == 0.001
    assert Recipe(optimizer="adamw", lr=0.01).lr == 0.01
    assert Recipe().lr == 0.1


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(epochs=7, schedule="step", milestones=(2, 5), optimizer="adamw")
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_several_mistakes_are_named_at_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_config(Config, {"recipe": {"epochs": 0, "lr": -1, "optimizer": "adam", "epoch": 3}})
    assert {violation.field for violation in caught.value.violations} == {
        "config.recipe.epochs",
        "config.recipe.lr",
        "config.recipe.optimizer",
        "config.recipe.epoch",
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 3, "warmup_epochs": 3}, "warmup_epochs must be below epochs"),
        ({"lr": 0.01, "min_lr": 0.1}, "min_lr must not exceed lr"),
        ({"nesterov": True, "momentum": 0.0}, "nesterov needs momentum"),
        ({"schedule": "step", "milestones": [5, 5]}, "rising order"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        parse_config(Config, {"recipe": values})
