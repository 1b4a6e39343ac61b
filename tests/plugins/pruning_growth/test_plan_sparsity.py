"""The operation `plan-sparsity`: the plan without the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palmette_plugins.api import InvalidArgument, NotFound, run_method
from palmette_plugins.api.operations import call_operation
from palmette_plugins.pruning_growth.random_pruning import RandomPruning


def plan(**request: Any) -> dict[str, Any]:
    return call_operation("pruning_growth", "plan-sparsity", {"artifact_store_url": "", **request})


def test_it_answers_without_data() -> None:
    answer = plan(model="zoo:resnet20?in_channels=3&num_classes=10")
    assert (answer["maskable"], answer["kept"]) == (270_896, 27_090)
    assert answer["density"] == pytest.approx(0.1, abs=1e-5)
    assert len(answer["layers"]) == 22
    assert answer["layers"][0]["name"] == "conv1"
    assert answer["layers"][0]["density"] == pytest.approx(0.9830, abs=5e-5)
    assert answer["layers"][0].keys() == {"name", "density", "kept", "weights"}


def test_the_dataset_decides_what_the_reference_leaves_out() -> None:
    assert plan(model="zoo:resnet20", data="digits")["maskable"] == 270_608


@pytest.mark.parametrize("ratio", ["erk", "snip_ratio"])
def test_the_method_keeps_what_was_planned(tmp_path: Path, ratio: str) -> None:
    config = {"ratio": ratio, "density": 0.3}
    planned = plan(model="zoo:resnet20?width=4", data="digits", config=config, seed=3)
    result = run_method(
        RandomPruning,
        store=tmp_path,
        cpu=1,
        seed=3,
        model="zoo:resnet20?width=4",
        data="digits",
        recipe={"epochs": 1, "max_steps": 1},
        **config,
    )
    table = result.store.local_path(result.artifacts["plan"][0], "table.json")
    import orjson

    rows = orjson.loads(Path(table).read_bytes())
    assert [row["kept"] for row in rows] == [layer["kept"] for layer in planned["layers"]]


def test_rules_that_look_at_gradients_ask_for_data() -> None:
    with pytest.raises(InvalidArgument, match="data: required: grasp_ratio looks at gradients"):
        plan(model="zoo:resnet20", config={"ratio": "grasp_ratio"})


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({"model": "zoo:resnet21"}, "model"),
        ({"model": "zoo:resnet20", "data": "digit"}, "data"),
        ({"model": "zoo:resnet20", "config": {"density": 2}}, "config.density"),
        ({"model": "zoo:resnet20", "config": {"density": 1e-5}}, "config.density"),
        ({"model": "artifact:0000"}, "model"),
    ],
)
def test_mistakes_are_named_by_the_requests_own_fields(request_fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        plan(**request_fields)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_an_unknown_plugin_is_answered_with_the_known_one() -> None:
    with pytest.raises(NotFound, match="random-pruning"):
        plan(model="zoo:resnet20", plugin="random-prune")
