"""Guidance from submission to a saved artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from palmette_plugins.api import InvalidArgument, RunResult, run_method
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.guided_training.guidance import Guidance
from palmette_plugins.pruning_growth.dense_training import DenseTraining

TARGET = "zoo:mlp?hidden=32x4&batch_norm=true"
GUIDE = "zoo:resnet8?width=4"
RECIPE = {"epochs": 2, "batch_size": 64, "precision": "fp32"}


def guide(folder: Path, **values: Any) -> RunResult:
    values = {"target": TARGET, "guide": GUIDE, "data": "digits", "guide_trained": False, "recipe": RECIPE, **values}
    return run_method(Guidance, store=folder / "artifacts", cpu=1, **values)


def weights(result: RunResult) -> dict[str, torch.Tensor]:
    reference = f"artifact:{result.artifacts['model'][0]}"
    return load_model_reference(reference, "model", None, result.store, seed=0).module.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def trained_guide(folder: Path) -> str:
    recipe = {"epochs": 3, "batch_size": 64}
    result = run_method(
        DenseTraining, store=folder / "artifacts", cpu=1, model=GUIDE, data="digits", recipe=recipe, seed=7
    )
    return f"artifact:{result.artifacts['model'][0]}"


def test_what_a_job_leaves(tmp_path: Path) -> None:
    guiding = trained_guide(tmp_path)
    result = guide(tmp_path, guide=guiding, guide_trained=True)
    manifest = result.manifest()
    assert manifest.spec is not None
    assert manifest.spec.architecture.startswith("zoo:mlp?")  # the target's own architecture, without the guide
    assert set(manifest.figures) == {"similarity before", "similarity after", "similarity", "training"}
    assert manifest.metrics["guide/accuracy"] > 0.5
    assert 0 <= manifest.metrics["unguided/accuracy"] <= 1
    assert -1 <= manifest.metrics["guide/error-consistency"] <= 1
    assert guiding.removeprefix("artifact:") in manifest.parents


@pytest.mark.parametrize("off", [{"alpha": 0}, {"guide_steps": 0}])
def test_without_the_term_it_is_the_unguided_run_bit_for_bit(tmp_path: Path, off: dict[str, Any]) -> None:
    alone = run_method(
        DenseTraining,
        store=tmp_path / "artifacts",
        cpu=1,
        model=TARGET,
        data="digits",
        recipe={
            "optimizer": "adamw",
            "lr": 1e-3,
            "weight_decay": 0,
            "schedule": "step",
            "milestones": (30, 60, 90),
            **RECIPE,
        },
    )
    assert same(weights(guide(tmp_path, baseline=False, **off)), weights(alone))
    guided = guide(tmp_path, baseline=True)
    assert not same(weights(guided), weights(alone))
    assert guided.manifest().metrics["unguided/accuracy"] == alone.manifest().metrics["accuracy"]


def test_a_guide_for_the_first_steps_only_leaves_the_rest_to_the_task(tmp_path: Path) -> None:
    result = guide(tmp_path, guide_steps=3, baseline=False)
    assert {name for name in result.metrics if name.startswith("similarity/")}
    assert not same(weights(result), weights(guide(tmp_path, baseline=False)))


@pytest.mark.parametrize("values", [{"distance": "rsa"}, {"guide_input": "noise"}, {"collisions": "last"}])
def test_every_variant_trains_differently(tmp_path: Path, values: dict[str, Any]) -> None:
    assert not same(weights(guide(tmp_path, baseline=False)), weights(guide(tmp_path, baseline=False, **values)))


def test_a_language_model_is_guided_position_by_position(tmp_path: Path) -> None:
    result = guide(
        tmp_path,
        target="zoo:tiny-gpt?layers=1&d_model=16&heads=2",
        guide="zoo:tiny-gpt?layers=2&d_model=16&heads=2",
        data="prose?limit=64&test_limit=32&context=32",
        per_position=True,
        baseline=False,
        recipe={**RECIPE, "epochs": 1, "max_steps": 2},
    )
    assert result.manifest().metrics["bits_per_byte"] > 0


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"guide_trained": True}, "inputs.guide", "is not trained"),
        ({"taps_target": ["layers.0", "layers.1"]}, "config.taps_target", "'layers.1' is not a layer to tap"),
        ({"pairs": [{"target": "layers.0", "guide": "conv"}]}, "config.pairs[0].guide", "conv1"),
        ({"target": "zoo:mlp?hidden="}, "inputs.target", "nothing to pair"),
        ({"recipe": {"batch_size": 1}}, "config", "at least 2"),
        ({"guide": "zoo:resnet8?in_channels=3"}, "inputs.guide", "in_channels=3"),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, values: dict[str, Any], field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        guide(tmp_path, **values)
    assert [(violation.field, text in violation.description) for violation in error.value.violations] == [(field, True)]
