"""Dense training from submission to a saved artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from palmette_plugins.api import RunResult, run_method
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.pruning_growth.dense_training import DenseTraining


def train(folder: Path, **values: Any) -> RunResult:
    recipe = {"epochs": 3, "batch_size": 128}
    values = {"model": "zoo:resnet20?width=4", "data": "digits", "recipe": recipe, **values}
    return run_method(DenseTraining, store=folder / "artifacts", cpu=1, **values)


def weights(result: RunResult) -> dict[str, torch.Tensor]:
    reference = f"artifact:{result.artifacts['model'][0]}"
    return load_model_reference(reference, "model", None, result.store, seed=0).module.state_dict()


def test_it_learns_digits_and_keeps_what_it_measured(tmp_path: Path) -> None:
    result = train(tmp_path)
    manifest = result.manifest()
    assert manifest.metrics["accuracy"] > 0.6
    assert manifest.metrics["parameters"] == manifest.metrics["nonzeros"] > 17_000
    assert manifest.spec is not None
    assert manifest.spec.io is not None
    assert len(manifest.spec.io.labels) == 10
    assert manifest.attributes["training_seconds"] > 0
    assert "training" in manifest.figures


def test_an_artifact_goes_on_from_its_own_weights(tmp_path: Path) -> None:
    first = train(tmp_path)
    barely = {"epochs": 1, "max_steps": 1, "lr": 1e-6, "weight_decay": 0}
    again = train(tmp_path, model=f"artifact:{first.artifacts['model'][0]}", recipe=barely)
    assert torch.allclose(weights(first)["fc.weight"], weights(again)["fc.weight"], atol=1e-4)
    assert again.manifest().parents == (first.artifacts["model"][0],)


def test_two_seeds_start_from_different_weights(tmp_path: Path) -> None:
    barely = {"epochs": 1, "max_steps": 1}
    first, second = (weights(train(tmp_path, seed=seed, recipe=barely)) for seed in (0, 1))
    assert not torch.equal(first["conv1.weight"], second["conv1.weight"])
