"""What is wrong with a recipe for a given dataset, known before any training."""

from __future__ import annotations

from collections.abc import Iterator

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import FieldViolation
from palmette_plugins.api.resolve import task
from palmette_plugins.api.task import Task
from palmette_plugins.engines.recipe import Recipe


def recipe_violations(recipe: Recipe, data: DataInfo, field: str = "config.recipe") -> Iterator[FieldViolation]:
    """Yield what makes `recipe` impossible on `data`; `field` is where the recipe sits in the configuration."""
    if recipe.label_smoothing and type(task(data.task)).smoothed_loss is Task.smoothed_loss:
        yield FieldViolation(f"{field}.label_smoothing", f"must be 0 for {data.task}: it has no classes to smooth")
    if data.sizes.get("train", 1) == 0:
        yield FieldViolation("inputs.data", "has no training examples")
