"""The layer lottery as a job: from reference to artifact, interrupted or not, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.plugins.pruning_growth.reports import StoppingSink
from torch import nn

from palmette_plugins.api import InvalidArgument, JobCancelled, RunResult, run_method
from palmette_plugins.api.resolve import describe_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.residual import removable_blocks
from palmette_plugins.architectures.samples import FILE_NAME, read_samples
from palmette_plugins.pruning_growth.layer_lottery import LayerLottery

MODEL = "zoo:resnet14?width=4"
RECIPE = {"epochs": 2, "precision": "fp32"}
STILL = {"epochs": 1, "max_steps": 1, "lr": 1e-12, "weight_decay": 0, "precision": "fp32"}  # moves nothing


def _run(store: Path, **values: Any) -> RunResult:
    defaults: dict[str, Any] = {"model": MODEL, "data": "digits", "blocks_removed": 2, "recipe": RECIPE}
    return run_method(LayerLottery, store=store, **{**defaults, **values})


def _loaded(result: RunResult) -> nn.Module:
    return load_model_reference(f"artifact:{result.artifacts['model'][0]}", "model", None, result.store, seed=0).module


def _initial(reference: str = MODEL, seed: int = 0) -> nn.Module:
    return load_model_reference(reference, "model", describe_dataset("digits", "data"), None, seed=seed).module


def _violations(**values: Any) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        _run(Path("never-written"), **values)
    return {violation.field: violation.description for violation in caught.value.violations}


def test_the_artifact_rebuilds_the_shallow_network_from_its_spec(tmp_path: Path) -> None:
    sink = StoppingSink()
    result = _run(tmp_path, sink=sink)
    manifest, module = result.manifest(), _loaded(result)

    removed = manifest.attributes["blocks_removed"]
    assert len(removed) == 2
    assert [(edit.name, edit.arguments) for edit in manifest.spec.edits] == [("drop_blocks", {"names": removed})]
    assert removable_blocks(module) == [name for name in removable_blocks(_initial()) if name not in removed]
    assert manifest.metrics["parameters"] == sum(parameter.numel() for parameter in module.parameters())
    assert manifest.metrics["blocks"] == 2
    assert manifest.metrics["parameters"] < manifest.metrics["dense/parameters"]
    assert manifest.metrics["macs"] < manifest.metrics["dense/macs"]
    assert manifest.metrics["accuracy"] > 0.3  # ten classes: chance is 0.1
    assert manifest.metrics["energy_estimate_wh"] == pytest.approx(manifest.metrics["training_seconds"] * 100 / 3600)
    assert {"step_time_ms", "dense/step_time_ms"} <= manifest.metrics.keys()
    rows = list(sink.figures["importance"]["data"]["values"])
    assert [row["block"] for row in rows if row["removed"]] == removed
    assert len(rows) == 4 + 3
    assert sink.fractions == sorted(sink.fractions)
    assert sink.fractions[-1] == 1


def test_the_rebuilt_network_answers_as_the_one_that_was_trained(tmp_path: Path) -> None:
    result = _run(tmp_path, recipe=STILL)
    io = result.manifest().spec.io
    saved = read_samples(result.store.local_path(result.artifacts["model"][0], FILE_NAME), io)
    with torch.inference_mode():
        logits = _loaded(result).eval()(saved.inputs["image"])
    torch.testing.assert_close(logits, saved.outputs["logits"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("when", ["init", "trained"])
def test_the_ticket_starts_from_the_initial_weights_of_the_blocks_that_stay(tmp_path: Path, when: str) -> None:
    extra = {"dense_recipe": RECIPE} if when == "trained" else {}
    result = _run(tmp_path, when=when, recipe=STILL, seed=4, **extra)
    initial = _initial(seed=4).state_dict()
    learned = {name for name, _ in _loaded(result).named_parameters()}
    for name, tensor in _loaded(result).state_dict().items():
        if name in learned:
            torch.testing.assert_close(tensor, initial[name], rtol=0, atol=1e-9)


def test_the_same_seed_gives_the_same_ticket_and_weights(tmp_path: Path) -> None:
    first, second, other = (_run(tmp_path, criterion="random", seed=seed) for seed in (1, 1, 2))
    assert first.manifest().attributes == second.manifest().attributes
    assert first.manifest().attributes != other.manifest().attributes
    weights = [_loaded(result).state_dict() for result in (first, second)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("stop_at", ["dense/validation/accuracy", "validation/accuracy"])
def test_a_cancelled_job_goes_on_to_the_same_end(tmp_path: Path, stop_at: str) -> None:
    options: dict[str, Any] = {"when": "trained", "seed": 3}
    whole = _run(tmp_path / "a", **options)
    with pytest.raises(JobCancelled):
        _run(tmp_path / "b", checkpoints=tmp_path / "job", sink=StoppingSink(stop_at), **options)
    resumed = _run(tmp_path / "b", checkpoints=tmp_path / "job", **options)

    assert resumed.manifest().attributes == whole.manifest().attributes
    assert resumed.manifest().metrics["accuracy"] == whole.manifest().metrics["accuracy"]
    expected = _loaded(whole).state_dict()
    assert all(torch.equal(expected[name], tensor) for name, tensor in _loaded(resumed).state_dict().items())


def test_multiply_adds_fall_by_at_least_the_share_asked_for(tmp_path: Path) -> None:
    metrics = _run(tmp_path, blocks_removed=None, macs_reduction=0.3, criterion="l1", recipe=STILL).manifest().metrics
    assert metrics["macs"] <= 0.7 * metrics["dense/macs"]
    assert metrics["blocks"] >= 1


def test_layers_of_a_language_model_go_too(tmp_path: Path) -> None:
    result = _run(
        tmp_path,
        model="zoo:tiny-gpt?layers=3&d_model=16&heads=2",
        data="manual?context=16&limit=40&test_limit=20",
        blocks_removed=1,
        recipe={**RECIPE, "optimizer": "adamw", "lr": 1e-3, "max_steps": 4, "batch_size": 16},
    )
    assert len(removable_blocks(_loaded(result))) == 2
    assert result.manifest().task == "language-modelling"
    assert result.manifest().metrics["bits_per_byte"] < 9


def test_a_ticket_can_be_drawn_from_a_ticket(tmp_path: Path) -> None:
    first = _run(tmp_path, blocks_removed=1, recipe=STILL)
    again = _run(
        tmp_path, model=f"artifact:{first.artifacts['model'][0]}", blocks_removed=1, reinitialise=False, recipe=STILL
    )
    assert len(again.manifest().spec.edits) == 2
    assert len(removable_blocks(_loaded(again))) == 2
    assert again.manifest().parents == (first.artifacts["model"][0],)


def test_blocks_of_timms_networks_go_too(tmp_path: Path) -> None:
    result = _run(tmp_path, model="timm:test_resnet", recipe=STILL, blocks_removed=1)
    assert result.manifest().spec.edits[0].name == "drop_blocks"


def test_a_network_without_identity_blocks_is_refused() -> None:
    found = _violations(model="zoo:vgg16-bn", data="fashion-mnist?limit=100")
    assert "no removable block" in found["inputs.model"]


def test_more_removals_than_there_are_blocks_name_the_most_there_can_be() -> None:
    assert "at most 4" in _violations(blocks_removed=5)["config.blocks_removed"]
    found = _violations(blocks_removed=None, macs_reduction=0.99)
    assert "at most, got 0.99" in found["config.macs_reduction"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"blocks_removed": None}, "exactly one of blocks_removed and macs_reduction"),
        ({"macs_reduction": 0.5}, "exactly one of blocks_removed and macs_reduction"),
        ({"dense_recipe": RECIPE}, "needs when=trained"),
        ({"when": "trained", "dense_recipe": {"epochs": 1}}, "at least as many epochs in dense_recipe"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, Any], reason: str) -> None:
    assert reason in _violations(**values)["config"]


def test_every_field_out_of_range_is_named_at_once() -> None:
    found = _violations(blocks_removed=0, batch_per_class=0, criterion="fisher", power_w=0)
    assert set(found) == {"config.blocks_removed", "config.batch_per_class", "config.criterion", "config.power_w"}
