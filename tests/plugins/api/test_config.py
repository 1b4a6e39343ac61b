"""Configurations and parameters of references: everything that is wrong, at once, by name."""

from typing import Literal

import pytest
from pydantic import Field, model_validator

from palmette_plugins.api import InvalidArgument, MethodConfig, Reference
from palmette_plugins.api.config import parse_config
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters


class Recipe(MethodConfig):
    epochs: int = Field(10, ge=1)


class Config(MethodConfig):
    density: float = Field(0.1, gt=0, le=1)
    ratio: Literal["uniform", "erk"] = "erk"
    name: str
    recipe: Recipe = Recipe()
    late: Recipe | None = None

    @model_validator(mode="after")
    def _consistent(self):
        if self.density == 1 and self.ratio == "erk":
            raise ValueError("density=1 leaves nothing for ratio=erk to share")
        return self


def violations(values):
    with pytest.raises(InvalidArgument) as caught:
        parse_config(Config, values)
    return {violation.field: violation.description for violation in caught.value.violations}


def test_defaults_fill_what_is_left_out():
    assert parse_config(Config, {"name": "x"}).density == 0.1


def test_all_violations_come_at_once_with_paths_and_values():
    found = violations({"density": 1.5, "ratio": "er", "recipe": {"epochs": 0}, "densty": 0.1})

    assert set(found) == {"config.density", "config.ratio", "config.recipe.epochs", "config.densty", "config.name"}
    assert found["config.density"] == "Input should be less than or equal to 1, got 1.5"
    assert found["config.densty"] == "unknown field; did you mean 'density'?"
    assert found["config.name"] == "required"


def test_unknown_fields_inside_other_fields_get_the_nearest_names_too():
    found = violations({"name": "x", "recipe": {"epoch": 3}, "late": {"epochz": 1}})

    assert found["config.recipe.epoch"] == "unknown field; did you mean 'epochs'?"
    assert found["config.late.epochz"] == "unknown field; did you mean 'epochs'?"


def test_the_seed_is_explained():
    assert "belongs to the job" in violations({"name": "x", "seed": 3})["config.seed"]


def test_what_concerns_several_fields_is_said_once():
    assert violations({"name": "x", "density": 1})["config"] == "density=1 leaves nothing for ratio=erk to share"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value):
    assert "config.density" in violations({"name": "x", "density": value})


class Parameters(ReferenceParameters):
    limit: int | None = Field(None, ge=1)
    shuffle: bool = False
    sizes: tuple[int, ...] = ()


def test_parameters_of_references_are_converted_and_written_back():
    parsed = parse_parameters(Parameters, Reference.parse("x?limit=3&shuffle=true"))

    assert (parsed.limit, parsed.shuffle) == (3, True)
    assert as_text(parsed) == {"limit": "3", "shuffle": "true", "sizes": ""}
    assert as_text(Parameters(sizes=(1, 2)))["sizes"] == "1,2"


def test_wrong_parameters_come_at_once_for_the_references_field():
    with pytest.raises(InvalidArgument) as caught:
        parse_parameters(Parameters, Reference.parse("data:/x?limit=0&shufle=true"), "inputs.data")

    said = [(violation.field, violation.description) for violation in caught.value.violations]
    assert ("inputs.data", "'data:/x' has no parameter 'shufle'; did you mean 'shuffle'?") in said
    assert any("parameter 'limit' of 'data:/x'" in description and "got '0'" in description for _, description in said)
