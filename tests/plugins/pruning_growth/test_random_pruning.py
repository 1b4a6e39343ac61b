"""Random pruning from submission to a saved artifact."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import onnx
import pytest
import torch
from torch import nn

from palmette_plugins.api import JobCancelled, RunResult, run_method
from palmette_plugins.api.sink import LoggingSink
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.seeding import seeded_generator
from palmette_plugins.engines.sparsity.draw import Draw, draw_masks
from palmette_plugins.engines.sparsity.layers import layer_shapes
from palmette_plugins.engines.sparsity.masks import masked_layers
from palmette_plugins.engines.sparsity.plan import plan_sparsity
from palmette_plugins.engines.sparsity.ratios import Ratio
from palmette_plugins.pruning_growth.dense_training import DenseTraining
from palmette_plugins.pruning_growth.random_pruning import RandomPruning
from palmette_plugins.serving.export import Export

MODEL = "zoo:resnet20?width=4"
SHORT = {"epochs": 2, "batch_size": 256}
Prune = Callable[..., RunResult]


@pytest.fixture
def prune(tmp_path: Path) -> Prune:
    def run(method: Any = RandomPruning, **values: Any) -> RunResult:
        values = {"model": MODEL, "data": "digits", "recipe": SHORT, **values}
        return run_method(method, store=tmp_path / "artifacts", cpu=1, **values)

    return run


def loaded(result: RunResult) -> nn.Module:
    reference = f"artifact:{result.artifacts['model'][-1]}"
    return load_model_reference(reference, "model", None, result.store, seed=0).module


def masks(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: layer.weight_mask for name, layer in masked_layers(module).items()}


def removed_weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([layer.weight[~layer.weight_mask].detach() for layer in masked_layers(module).values()])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_masked_weights_are_exactly_zero_after_training(prune: Prune, optimizer: str) -> None:
    module = loaded(prune(recipe={**SHORT, "optimizer": optimizer, "weight_decay": 0.01}))
    assert len(removed_weights(module)) > 0
    assert torch.count_nonzero(removed_weights(module)) == 0
    assert sum(int(mask.sum()) for mask in masks(module).values()) == round(0.1 * 17_060)
    assert all("bn" not in name and "shortcut.1" not in name for name in masks(module))


@pytest.mark.parametrize("draw", list(Draw))
def test_the_artifact_holds_exactly_the_mask_that_was_drawn(prune: Prune, draw: Draw) -> None:
    module = loaded(prune(seed=3, draw=draw, recipe={**SHORT, "max_steps": 1}))
    plan = plan_sparsity(layer_shapes(module), Ratio.ERK, 0.1)
    drawn = draw_masks(plan, draw, seeded_generator(3, "random-pruning/masks"))
    assert masks(module).keys() == drawn.keys()
    assert all(torch.equal(mask, drawn[name]) for name, mask in masks(module).items())


def test_the_artifact_takes_less_room_the_fewer_weights_are_kept(prune: Prune) -> None:
    def weights_bytes(density: float) -> int:
        result = prune(density=density, recipe={**SHORT, "max_steps": 1})
        return next(file.size_bytes for file in result.manifest().files if file.path == "weights.safetensors")

    tenth, half, whole = (weights_bytes(density) for density in (0.1, 0.5, 1.0))
    # Of 17,060 maskable weights of four bytes each.
    assert whole - half == pytest.approx(0.5 * 17_060 * 4, rel=0.1)
    assert whole - tenth == pytest.approx(0.9 * 17_060 * 4, rel=0.1)


def test_it_reports_what_was_kept(prune: Prune) -> None:
    result = prune(density=0.2, ratio="uniform")
    metrics = result.manifest().metrics
    assert {"accuracy", "ece", "loss", "parameters", "nonzeros", "macs", "effective_macs"} <= metrics.keys()
    assert metrics == {name: result.metrics[name] for name in metrics}
    assert metrics["nonzeros"] < 0.26 * metrics["parameters"]  # norms and the bias are not masked
    assert metrics["effective_macs"] == pytest.approx(0.2 * metrics["macs"], rel=0.01)
    rows = json.loads(Path(result.store.local_path(result.artifacts["plan"][0], "table.json")).read_text())
    assert [row["layer"] for row in rows] == list(masks(loaded(result)))
    assert sum(row["kept"] for row in rows) == round(0.2 * sum(row["weights"] for row in rows))
    assert all(row["density"] == pytest.approx(0.2) for row in rows)
    assert {"density", "training"} <= result.manifest().figures.keys()


def test_one_seed_gives_one_mask_and_two_seeds_two(prune: Prune) -> None:
    recipe = {**SHORT, "epochs": 1, "max_steps": 1}
    first, again, other = (masks(loaded(prune(seed=seed, recipe=recipe))) for seed in (1, 1, 2))
    partial = [name for name, mask in first.items() if not mask.all()]
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in partial)


def test_density_one_is_dense_training_to_the_last_bit(prune: Prune) -> None:
    dense = loaded(prune(DenseTraining, seed=5)).state_dict()
    pruned = loaded(prune(seed=5, density=1.0)).state_dict()
    assert set(pruned) - set(dense) == {f"{name}.weight_mask" for name in masks(loaded(prune(seed=5, density=1.0)))}
    assert all(torch.equal(dense[name], pruned[name]) for name in dense)


class _Stopping(LoggingSink):
    """Asks to stop after the second epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0

    def metric(self, name: str, value: float, step: int | None) -> None:
        self.epochs += name == "validation/accuracy"

    def cancel_reason(self) -> str | None:
        return "stopped by the test" if self.epochs >= 2 else None


def test_a_resumed_job_keeps_its_mask_and_ends_with_the_same_bits(prune: Prune, tmp_path: Path) -> None:
    recipe = {**SHORT, "epochs": 4}
    undisturbed = loaded(prune(recipe=recipe)).state_dict()
    with pytest.raises(JobCancelled):
        prune(recipe=recipe, checkpoints=tmp_path / "checkpoints", sink=_Stopping())
    resumed = loaded(prune(recipe=recipe, checkpoints=tmp_path / "checkpoints")).state_dict()
    assert undisturbed.keys() == resumed.keys()
    assert all(torch.equal(undisturbed[name], resumed[name]) for name in undisturbed)


def test_the_mask_survives_more_training_of_the_artifact(prune: Prune) -> None:
    result = prune()
    before = loaded(result)
    after = loaded(prune(DenseTraining, model=f"artifact:{result.artifacts['model'][0]}"))
    assert all(torch.equal(mask, masks(after)[name]) for name, mask in masks(before).items())
    assert torch.count_nonzero(removed_weights(after)) == 0
    assert not torch.equal(before.fc.weight, after.fc.weight)


def test_the_zeros_survive_export_to_onnx(prune: Prune) -> None:
    result = prune()
    exported = run_method(Export, cpu=1, store=result.store.url, model=f"artifact:{result.artifacts['model'][0]}")
    path = exported.store.local_path(exported.artifacts["servable"][0], "model.onnx")
    graph = onnx.load(str(path)).graph
    tensors = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    for name, mask in masks(loaded(result)).items():
        removed = ~mask.numpy()
        same = [t for t in tensors if t.shape == removed.shape and numpy.all(t[removed] == 0) and t.any()]
        transposed = [t for t in tensors if t.ndim == 2 and t.T.shape == removed.shape and numpy.all(t.T[removed] == 0)]
        assert same or transposed, name


def test_a_trained_model_starts_anew_unless_told_to_keep_its_weights(prune: Prune) -> None:
    trained = f"artifact:{prune(DenseTraining).artifacts['model'][0]}"
    fresh = loaded(prune(seed=7)).state_dict()
    anew = loaded(prune(seed=7, model=trained)).state_dict()
    kept = loaded(prune(seed=7, model=trained, reinitialise=False)).state_dict()
    assert all(torch.equal(fresh[name], anew[name]) for name in fresh)
    assert not torch.equal(fresh["conv1.weight"], kept["conv1.weight"])
    assert torch.equal(fresh["conv1.weight_mask"], kept["conv1.weight_mask"])


def test_a_pruned_model_can_be_pruned_further(prune: Prune) -> None:
    first = prune(density=0.5)
    second = prune(density=0.1, model=f"artifact:{first.artifacts['model'][0]}")
    spec = second.manifest().spec
    assert spec is not None
    assert [edit.name for edit in spec.edits] == ["mask"]  # the layers carry one mask each, whatever came before
    assert sum(int(mask.sum()) for mask in masks(loaded(second)).values()) == round(0.1 * 17_060)


@pytest.mark.parametrize("ratio", ["snip_ratio", "grasp_ratio"])
def test_rules_that_look_at_gradients_share_the_density_by_scores(prune: Prune, ratio: str) -> None:
    module = loaded(prune(ratio=ratio, density=0.3))
    kept = {name: float(mask.float().mean()) for name, mask in masks(module).items()}
    assert sum(int(mask.sum()) for mask in masks(module).values()) == round(0.3 * 17_060)
    assert len({round(share, 3) for share in kept.values()}) > 10  # not a rule of shapes alone


def test_it_runs_unchanged_on_a_language_model(prune: Prune) -> None:
    result = prune(
        model="zoo:tiny-gpt?layers=1&d_model=16&heads=2",
        data="prose?limit=64&context=32&test_limit=32",
        recipe={"epochs": 1, "batch_size": 16, "optimizer": "adamw"},
        density=0.5,
    )
    module = loaded(result)
    assert 0 < result.metrics["bits_per_byte"] < 8.5
    assert result.metrics["nonzeros"] < result.metrics["parameters"]
    assert torch.count_nonzero(removed_weights(module)) == 0
