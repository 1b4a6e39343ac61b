"""The operations behind Specialize and EstimateArchitecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from palmette_plugins.api import InvalidArgument, run_method
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.operations import call_operation
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.profiling import profile_layers, totals
from palmette_plugins.nas.ofa import OnceForAll
from palmette_plugins.pruning_growth.dense_training import DenseTraining

DATA = "digits?limit=200"
OPEN = {"depths": [1, 2], "expands": [2, 4], "kernels": [3, 5]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def supernet(store: Path) -> str:
    result = run_method(
        OnceForAll,
        store=store,
        cpu=1,
        data=DATA,
        space={"name": "custom", "widths": [8, 8, 16], "strides": [2, 1], "resolutions": [6, 8], **OPEN},
        stages=[{"epochs": 2, "warmup_epochs": 0, "lr": 0.1, **OPEN}],
        predictor_samples=100,
        predictor_images=50,
        calibration_images=100,
        reported=1,
        recipe={"batch_size": 50},
    )
    return f"artifact:{result.artifacts['supernet'][0]}"


def specialize(store: Path, supernet: str, **values: Any) -> dict[str, Any]:
    request = {"supernet": supernet, "limits": {"macs": 100_000}, "artifact_store_url": str(store), **values}
    return call_operation("nas", "specialize", request)


def estimate(store: Path, supernet: str, **values: Any) -> dict[str, Any]:
    return call_operation(
        "nas", "estimate-architecture", {"supernet": supernet, "artifact_store_url": str(store), **values}
    )


def test_a_sub_network_is_cut_out_and_saved(store: Path, supernet: str) -> None:
    answer = specialize(store, supernet)
    manifest = ArtifactStore(str(store)).manifest(answer["artifact"])
    assert answer["macs"] == manifest.metrics["macs"] <= 100_000
    assert manifest.parents == (supernet.removeprefix("artifact:"),)
    assert {file.path for file in manifest.files} == {"weights.safetensors", "samples.safetensors"}
    model = load_model_reference(
        "artifact:" + answer["artifact"].removeprefix("artifacts/"), "m", None, ArtifactStore(str(store)), seed=0
    )
    sums = totals(profile_layers(model.module, (torch.zeros(1, 1, 8, 8),)))
    assert (sums.parameters, sums.macs) == (answer["parameters"], answer["macs"])
    assert 0 <= answer["accuracy"] <= 1
    assert answer["seconds"] > 0
    assert answer["latency_ms"] > 0


def test_the_same_question_gives_the_same_network(store: Path, supernet: str) -> None:
    first, again = specialize(store, supernet, seed=2), specialize(store, supernet, seed=2)
    for name in ("choice", "accuracy", "predicted_accuracy"):
        assert first[name] == again[name]


@pytest.mark.parametrize(
    "limits", [{"parameters": 20_000.0}, {"latency_ms": 1e6}, {"macs": 150_000.0, "parameters": 20_000.0}]
)
def test_every_kind_of_limit_is_kept(store: Path, supernet: str, limits: dict[str, float]) -> None:
    answer = specialize(store, supernet, limits=limits)
    assert all(answer[name] <= most for name, most in limits.items())


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"limits": {}}, "limits", "set macs"),
        ({"limits": {"macs": 10}}, "limits.macs", "must be at least"),
        ({"limits": {"latency_ms": 1e-9}}, "limits.latency_ms", "must be at least"),
        ({"limits": {"macs": -1}}, "limits.macs", "greater than 0"),
        ({"supernet": ""}, "supernet", "required"),
        ({"supernet": "zoo:mbv3-supernet"}, "supernet", "required"),
        ({"supernet": "artifact:00000000"}, "supernet", "no artifact"),
        ({"data": "digit"}, "data", "digits"),
        ({"data": "prose"}, "data", "classification"),
    ],
)
def test_bad_questions_are_refused(store: Path, supernet: str, values: dict[str, Any], field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        specialize(store, **{"supernet": supernet, **values})
    assert [(found.field, text in found.description) for found in error.value.violations] == [(field, True)], error


def test_a_plain_model_is_no_supernet(store: Path) -> None:
    result = run_method(DenseTraining, store=store, cpu=1, model="zoo:mlp?hidden=8", data=DATA, recipe={"epochs": 1})
    with pytest.raises(InvalidArgument, match="not a supernet"):
        specialize(store, f"artifact:{result.artifacts['model'][0]}")


def test_the_papers_networks_are_estimated(store: Path) -> None:
    space = "zoo:mbv3-supernet?num_classes=1000"
    answer = estimate(store, space)
    assert (answer["parameters"], answer["macs"]) == (7_664_760, 566_170_656)
    answer = estimate(store, space, choice={"depths": [3], "expands": [4], "kernels": [5]})
    assert (answer["parameters"], answer["macs"]) == (4_551_792, 250_746_944)
    assert "latency_ms" not in answer
    assert "predicted_accuracy" not in answer
    again = load_model_reference(answer["model"], "model", None, None, seed=0).module
    assert sum(parameter.numel() for parameter in again.parameters()) == 4_551_792


def test_data_decides_what_a_reference_leaves_out(store: Path) -> None:
    answer = estimate(store, "zoo:mobile-small-supernet", data="digits", measure_latency=True)
    assert answer["choice"]["resolution"] == 8
    assert "num_classes=10" in answer["model"]
    assert answer["latency_ms"] > 0


def test_a_trained_supernet_says_what_it_expects(store: Path, supernet: str) -> None:
    cut = specialize(store, supernet)
    answer = estimate(store, supernet, choice=cut["choice"])
    assert answer["predicted_accuracy"] == pytest.approx(cut["predicted_accuracy"])
    assert (answer["parameters"], answer["macs"]) == (cut["parameters"], cut["macs"])


@pytest.mark.parametrize(
    ("choice", "fields"),
    [
        ({"depths": [2, 2, 2]}, ["choice.depths"]),
        ({"depths": [3]}, ["choice.depths", "choice.depths"]),
        ({"kernels": [7], "resolution": 9}, ["choice.kernels", "choice.resolution"]),
        ({"expands": [2, 4]}, ["choice.expands"]),
    ],
)
def test_a_strange_sub_network_is_refused(
    store: Path, supernet: str, choice: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(InvalidArgument) as error:
        estimate(store, supernet, choice=choice)
    assert [violation.field for violation in error.value.violations] == fields
