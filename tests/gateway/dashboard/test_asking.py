"""Panels of the page Models: what they declare, and what is made of addresses and answers."""

from __future__ import annotations

import math
import pkgutil
import shlex
from dataclasses import replace

import pytest

from palmette.types import PlannedLayer, SparsityPlan
from palmette_gateway.dashboard import panels as package
from palmette_gateway.dashboard.asking.panel import Panel
from palmette_gateway.dashboard.asking.question import address, carried, read_question
from palmette_gateway.dashboard.asking.registry import panel_of, panels, panels_about
from palmette_gateway.dashboard.forms.fields import Field, FieldKind
from palmette_gateway.dashboard.panels import compare_representations, inspect_model, plan_sparsity
from palmette_gateway.dashboard.panels.compare_representations import nearest, titled
from palmette_gateway.dashboard.panels.plan_sparsity import density_chart
from palmette_gateway.dashboard.presentation.commands import models_command


def test_every_module_of_the_package_is_a_panel_of_its_own() -> None:
    modules = list(pkgutil.iter_modules(package.__path__))
    assert len(panels()) == len(modules) == len({panel.id for panel in panels()})
    assert [panel.id for panel in panels()][:3] == ["inspect", "plan", "compare"]
    assert panel_of("divine") is None


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.id)
def test_every_field_of_a_form_is_a_field_of_the_request(panel: Panel) -> None:
    names = {*(reference.name for reference in panel.references), *(field.path for field in panel.fields)}
    assert names <= set(panel.request.DESCRIPTOR.fields_by_name)
    assert not panel.settings or "config" in panel.request.DESCRIPTOR.fields_by_name


def test_an_artifact_leads_to_questions_about_its_kind_that_the_suite_can_answer() -> None:
    everything = ["guided_training", "pruning_growth"]
    assert panels_about("model", everything) == (inspect_model.PANEL, compare_representations.PANEL)
    assert panels_about("model", ["guided_training"]) == (compare_representations.PANEL,)
    assert panels_about("table", everything) == ()


def test_what_the_address_does_not_mention_is_not_missing_yet_but_what_is_empty_is() -> None:
    linked = read_question(compare_representations.PANEL, (), {"first": "zoo:resnet8"})
    sent = read_question(compare_representations.PANEL, (), {"first": "zoo:resnet8", "second": "", "data": "digits"})
    assert (linked.complete, dict(linked.problems)) == (False, {})
    assert (sent.complete, dict(sent.problems)) == (False, {"second": "required"})


def test_a_default_is_not_sent_and_what_the_wire_cannot_carry_is_refused() -> None:
    filled = {"first": "a", "second": "b", "data": "c", "examples": "256", "distance": "rsa", "seed": str(-(2**63) - 1)}
    question = read_question(compare_representations.PANEL, (), filled)
    assert question.values == {"first": "a", "second": "b", "data": "c", "distance": "rsa"}
    assert set(question.problems) == {"seed"}


def test_a_question_waits_for_every_field_that_it_requires_not_only_for_references() -> None:
    text = Field("data", FieldKind.TEXT, required=True)
    panel = replace(inspect_model.PANEL, references=inspect_model.PANEL.references[:1], fields=(text,))
    assert panel.required == ("model", "data")
    assert not read_question(panel, (), {"model": "zoo:resnet8"}).complete
    assert read_question(panel, (), {"model": "zoo:resnet8", "data": "digits"}).complete


def test_references_are_carried_to_another_question_by_their_type() -> None:
    compare, inspect = compare_representations.PANEL, inspect_model.PANEL
    filled = {"first": "zoo:a", "second": "zoo:b", "data": "digits"}
    assert carried(compare, inspect, filled) == {"model": "zoo:a", "data": "digits"}
    assert carried(inspect, compare, {"model": "zoo:a", "data": ""}) == {"first": "zoo:a"}
    assert carried(compare, compare, filled) == filled


def test_an_address_says_only_what_is_filled_in() -> None:
    assert address(inspect_model.PANEL) == "/models/inspect"
    assert (
        address(inspect_model.PANEL, {"model": "zoo:a?b=1&c", "data": ""})
        == "/models/inspect?model=zoo%3Aa%3Fb%3D1%26c"
    )


def test_the_nearest_layer_is_never_one_that_cannot_be_compared() -> None:
    similarities = [[math.nan, 0.2, 0.7], [1.0, math.nan, 0.1]]
    assert nearest(similarities, itself=False) == [(2, 0.7), (0, 1.0)]


def test_in_the_same_network_the_nearest_layer_is_another_one() -> None:
    assert nearest([[1.0, 0.4], [0.4, 1.0]], itself=True) == [(1, 0.4), (0, 0.4)]
    assert nearest([[1.0]], itself=True) == [(0, 1.0)]


def test_a_map_keeps_its_data_and_gets_short_names_at_its_axes() -> None:
    figure = {"mark": "rect", "title": "Similarity", "encoding": {"x": {"field": "second"}, "color": {"field": "s"}}}
    shown = titled(figure, ("own", "other"))
    assert shown == {
        "mark": "rect",
        "encoding": {"x": {"field": "second", "title": "other"}, "color": {"field": "s"}},
    }
    assert figure["title"] == "Similarity"


def test_a_plan_is_drawn_as_a_bar_for_each_layer_and_a_line_for_the_whole() -> None:
    plan = SparsityPlan((PlannedLayer("a", 0.5, 5, 10), PlannedLayer("b", 0.1, 1, 10)), 0.3, 6, 20)
    bars, rule = density_chart(plan)["layer"]
    assert [row["density"] for row in bars["data"]["values"]] == [0.5, 0.1]
    assert rule["data"]["values"] == [{"density": 0.3}]


def test_the_command_is_safe_to_paste_and_says_nothing_that_is_not_set() -> None:
    command = models_command("plan", ["zoo:mlp?hidden=1; rm x"], {"density": 0.2, "ratio": None, "data": ""})
    assert shlex.split(command) == ["palmette", "models", "plan", "zoo:mlp?hidden=1; rm x", "--density", "0.2"]
    assert plan_sparsity.PANEL.command({"model": "zoo:a", "seed": 3}) == ""
