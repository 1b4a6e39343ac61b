"""Forms from JSON Schema: what they consist of, and what comes of filling them in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from tests.gateway.dashboard.sample_suite.catalogue import RandomPruningConfig, SearchConfig

from palmette_gateway.dashboard.forms.fields import FieldKind
from palmette_gateway.dashboard.forms.filling import fill_fields
from palmette_gateway.dashboard.forms.placing import place
from palmette_gateway.dashboard.forms.reading import Problems, read_fields
from palmette_gateway.dashboard.forms.schema import fields_of

PRUNING = fields_of(RandomPruningConfig.model_json_schema())
SEARCH = fields_of(SearchConfig.model_json_schema())


def _named(fields: tuple[Any, ...], name: str) -> Any:
    return next(field for field in fields if field.name == name)


def test_ranges_defaults_enums_and_nested_objects_are_read_from_the_schema() -> None:
    density, ratio, recipe = (_named(PRUNING, name) for name in ("density", "ratio", "recipe"))
    assert (density.kind, density.limits, density.default_text) == (FieldKind.NUMBER, "0 < value ≤ 1", "0.1")
    assert (ratio.kind, ratio.choices, ratio.default) == (FieldKind.CHOICE, ("uniform", "er", "erk"), "erk")
    assert (recipe.kind, _named(recipe.fields, "epochs").path) == (FieldKind.GROUP, "config.recipe.epochs")
    assert _named(recipe.fields, "milestones").kind is FieldKind.LIST
    assert _named(recipe.fields, "nesterov").kind is FieldKind.BOOLEAN


def test_an_optional_number_stays_a_number_that_may_be_left_out() -> None:
    removed = _named(PRUNING, "blocks_removed")
    assert (removed.kind, removed.nullable, removed.limits) == (FieldKind.INTEGER, True, "at least 1")


def test_a_required_field_and_variants_are_recognised() -> None:
    assert _named(SEARCH, "target_ms").required
    strategy = _named(SEARCH, "strategy")
    assert (strategy.kind, set(strategy.variants)) == (FieldKind.VARIANTS, {"grid", "evolution"})
    assert _named(SEARCH, "widths").kind is FieldKind.JSON


def test_the_declared_order_is_kept() -> None:
    schema = {
        "properties": {name: {"type": "integer"} for name in ("alpha", "beta", "gamma")},
        "propertyOrder": ["gamma", "alpha", "beta"],
    }
    assert [field.name for field in fields_of(schema)] == ["gamma", "alpha", "beta"]


def test_a_schema_that_refers_to_itself_ends_in_json() -> None:
    class Tree(BaseModel):
        children: list[Tree] = Field(default_factory=list)
        left: Tree | None = None

    fields = fields_of(Tree.model_json_schema())
    for _ in range(10):
        inner = _named(fields, "left")
        if inner.kind is FieldKind.JSON:
            return
        fields = inner.fields
    pytest.fail("the form never ends")


def test_defaults_of_an_object_reach_its_fields() -> None:
    class Inner(BaseModel):
        size: int = 3

    class Outer(BaseModel):
        inner: Inner = Inner(size=5)

    inner = _named(fields_of(Outer.model_json_schema()), "inner")
    assert _named(inner.fields, "size").default == 5


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("config.density", "a lot", "'a lot' is not a number"),
        ("config.density", "nan", "not a finite number"),
        ("config.density", "1e999", "not a finite number"),
        ("config.blocks_removed", "1.5", "not a whole number"),
        ("config.ratio", "best", "'best' is not one of uniform, er, erk"),
        ("config.recipe.milestones", "1, x", "'x' is not a whole number"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_would_be_right(name: str, text: str, complaint: str) -> None:
    problems = Problems()
    read_fields(PRUNING, {name: text}, problems)
    assert complaint in problems[name]


def test_wrong_json_is_named_with_an_example() -> None:
    problems = Problems()
    read_fields(SEARCH, {"config.widths": "{"}, problems)
    assert '{"a": 1}' in problems["config.widths"]


def test_defaults_that_are_filled_in_are_not_sent() -> None:
    form = {"config.density": "0.1", "config.ratio": "erk", "config.recipe.augment": "true", "config.recipe.lr": "0.10"}
    assert read_fields(PRUNING, form, Problems()) == {}


_CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "density": st.floats(0.001, 1, allow_nan=False).filter(lambda value: value != 0.1),
        "ratio": st.sampled_from(["uniform", "er"]),
        "blocks_removed": st.integers(1, 10**9),
        "recipe": st.fixed_dictionaries(
            {"epochs": st.integers(21, 10_000)},
            optional={
                "nesterov": st.just(True),
                "milestones": st.lists(st.integers(0, 10**6), min_size=1, max_size=5),
                "schedule": st.sampled_from(["step", "constant"]),
            },
        ),
    },
)


@given(_CONFIGS)
def test_filling_a_form_from_a_configuration_and_reading_it_gives_it_back(config: dict[str, Any]) -> None:
    problems = Problems()
    assert read_fields(PRUNING, fill_fields(PRUNING, config), problems) == config
    assert not problems


@given(st.sampled_from(["grid", "evolution"]), st.integers(2, 1000))
def test_variants_come_back_as_well(kind: str, number: int) -> None:
    name = {"grid": "points", "evolution": "population"}[kind]
    config = {"target_ms": 1.5, "strategy": {"kind": kind, name: number}}
    read = read_fields(SEARCH, fill_fields(SEARCH, config), Problems())
    assert read["strategy"]["kind"] == kind
    assert read["strategy"].get(name, number) == number


def test_problems_are_placed_at_the_nearest_field_above() -> None:
    placed = place(
        {
            "config.recipe.milestones.0": "too small",
            "config.strategy.evolution.population": "too few",
            "inputs.models[1]": "no such model",
            "job.plugin": "unknown",
        },
        (*PRUNING, *SEARCH),
        ["inputs.models"],
    )
    assert placed.at_fields == {
        "config.recipe.milestones": "too small",
        "config.strategy.evolution.population": "too few",
        "inputs.models": "no such model",
    }
    assert placed.elsewhere == ("job.plugin: unknown",)
