"""How the small networks train: a recipe whose epochs are set elsewhere."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from palmette_plugins.engines.recipe import Recipe


class MemberRecipe(Recipe):
    """How to train the small networks. Their epochs are a setting of the method, so `epochs` is none of this."""

    epochs: SkipJsonSchema[int] = Field(20, ge=1, le=10_000, exclude=True)
    nesterov: bool = Field(True, description="Nesterov momentum (SGD)")


def with_epochs(recipe: Any, epochs: int) -> Any:
    """Return what a user gave as a recipe with `epochs` in it, to be validated.

    Raises:
        ValidationError: The user set the epochs in the recipe, where they would count for nothing.
    """
    given = recipe.model_dump(exclude_unset=True) if isinstance(recipe, Recipe) else recipe
    if not isinstance(given, dict):
        return given
    if "epochs" in given:
        message = "no setting here: set config.epochs_small for the small networks and config.epochs_grown after growth"
        error = InitErrorDetails(
            type=PydanticCustomError("epochs_elsewhere", message), loc=("epochs",), input=given["epochs"]
        )
        raise ValidationError.from_exception_data("recipe", [error])
    return {**given, "epochs": epochs}
