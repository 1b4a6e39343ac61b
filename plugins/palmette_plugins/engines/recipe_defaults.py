"""Recipes with other defaults than the usual ones.

A subclass of `Recipe` repeats the fields whose default differs: ``epochs: int = recipe_default("epochs", 100)``. Its
ranges and descriptions stay those of `Recipe`, and what a user leaves out is what the method's paper says.
"""

from __future__ import annotations

import copy
from typing import Any

from palmette_plugins.engines.recipe import Recipe


def recipe_default(name: str, value: object) -> Any:
    """Return the field `name` of `Recipe` with another default."""
    field = copy.copy(Recipe.model_fields[name])
    field.default = value
    return field
