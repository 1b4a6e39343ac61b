"""Model averaging: a list of models in, one ensemble out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from palmette_plugins.api import InvalidArgument, RunResult, run_method
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.pruning_growth.dense_training import DenseTraining
from palmette_plugins.pruning_growth.model_averaging import ModelAveraging
from palmette_plugins.serving.export import Export

Train = Callable[..., str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def train(store: Path) -> Train:
    """Train a model for an epoch and return its reference."""

    def trained(model: str = "zoo:resnet8?width=4", data: str = "digits", seed: int = 0, **recipe: Any) -> str:
        settings = {"epochs": 1, "precision": "fp32", "batch_size": 64, **recipe}
        result = run_method(DenseTraining, model=model, data=data, seed=seed, recipe=settings, store=store)
        return f"artifact:{result.artifacts['model'][0]}"

    return trained


@pytest.fixture(scope="module")
def two(train: Train) -> list[str]:
    """Two models of different architectures for the same digits."""
    return [train(), train("zoo:mlp?hidden=32", seed=1)]


def _average(store: Path, models: list[str], **values: Any) -> RunResult:
    return run_method(ModelAveraging, models=models, store=store, **values)


def _violations(store: Path, models: list[str], **values: Any) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        _average(store, models, **values)
    return {violation.field: violation.description for violation in caught.value.violations}


def _module(reference: str, result: RunResult) -> torch.nn.Module:
    return load_model_reference(reference, "model", None, result.store, seed=0).module.eval()


def test_the_saved_ensemble_gives_the_mean_of_its_members_logits(store: Path, two: list[str]) -> None:
    result = _average(store, two, data="digits")
    images = load_dataset("digits")["test"].tensors[0]
    ensemble = _module(f"artifact:{result.artifacts['model'][0]}", result)
    members = [_module(reference, result) for reference in two]
    with torch.no_grad():
        torch.testing.assert_close(ensemble(images), torch.stack([m(images) for m in members]).mean(0))
    spec = result.manifest().spec
    assert spec.runtime == "torch"
    assert [spec.parts[index].architecture.split("?")[0] for index in ("0", "1")] == ["zoo:resnet8", "zoo:mlp"]
    assert {name.split(".")[1] for name in ensemble.state_dict()} == {"0", "1"}


def test_lineage_has_every_member_as_a_parent(store: Path, two: list[str]) -> None:
    manifest = _average(store, two).manifest()
    assert manifest.parents == tuple(reference.removeprefix("artifact:") for reference in two)
    assert manifest.inputs == {"models": two}


def test_members_and_ensemble_are_measured(store: Path, two: list[str]) -> None:
    result = _average(store, two, data="digits")
    metrics = result.manifest().metrics
    for index, reference in enumerate(two):
        own = result.store.manifest(reference).metrics
        assert metrics[f"member-{index}/accuracy"] == pytest.approx(own["accuracy"])
        assert own["parameters"] < metrics["parameters"]
    assert metrics["parameters"] == sum(result.store.manifest(reference).metrics["parameters"] for reference in two)
    assert 0 <= metrics["accuracy"] <= 1


@pytest.mark.parametrize("data", [{}, {"data": "digits"}])
def test_the_ensemble_can_be_exported_with_and_without_a_dataset(
    store: Path, two: list[str], data: dict[str, str]
) -> None:
    ensemble = _average(store, two, **data).artifacts["model"][0]
    exported = run_method(Export, model=f"artifact:{ensemble}", store=store)
    assert exported.manifest("servable").attributes["runtime"] == "torch"
    assert exported.manifest("servable").attributes["parity"]["samples"] > 0


def test_an_ensemble_of_more_than_ten_keeps_its_order(store: Path, two: list[str]) -> None:
    models = [*two * 5, two[0]]
    result = _average(store, models)
    images = load_dataset("digits")["test"].tensors[0][:20]
    members = [_module(reference, result)(images) for reference in models]
    ensemble = _module(f"artifact:{result.artifacts['model'][0]}", result)
    torch.testing.assert_close(ensemble(images), torch.stack(members).mean(0))


def test_language_models_are_averaged_too(store: Path, train: Train) -> None:
    data = "manual?context=16&limit=20&test_limit=10"
    models = [
        train("zoo:tiny-gpt?layers=1&d_model=16&heads=2", data, seed, max_steps=2, optimizer="adamw") for seed in (0, 1)
    ]
    metrics = _average(store, models, data=data).manifest().metrics
    assert metrics["bits_per_byte"] <= max(metrics["member-0/bits_per_byte"], metrics["member-1/bits_per_byte"])


def test_one_model_is_too_few(store: Path, two: list[str]) -> None:
    assert _violations(store, two[:1]) == {"inputs.models": "an average needs at least two models, got 1"}


def test_what_differs_is_named_with_the_models_index(store: Path, two: list[str], train: Train) -> None:
    text = train(
        "zoo:tiny-gpt?layers=1&d_model=16&heads=2", "manual?context=16&limit=20&test_limit=10", max_steps=1,
        optimizer="adamw",
    )  # fmt: skip
    fashion = train("zoo:mlp?hidden=8", "fashion-mnist?limit=200&test_limit=50", batch_size=50)
    found = _violations(store, [two[0], text, two[1], fashion, "zoo:mlp?in_features=64"])
    assert set(found) == {"inputs.models[1]", "inputs.models[3]", "inputs.models[4]"}
    assert "is a language-modelling model, but the first is a classification model" in found["inputs.models[1]"]
    assert "takes inputs of shape (1, 28, 28), but the first (1, 8, 8)" in found["inputs.models[3]"]
    assert "never trained" in found["inputs.models[4]"]


def test_data_that_no_member_fits_is_refused(store: Path, two: list[str]) -> None:
    assert _violations(store, two, data="manual?context=16&limit=20&test_limit=10").keys() == {"inputs.models"}
