"""Random sparse search from submission to tables, verdicts and networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from palmette_plugins.api import InvalidArgument, JobCancelled, RunResult, run_method
from palmette_plugins.api.sink import LoggingSink
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.seeding import derive_seed
from palmette_plugins.engines.sparse_search.candidates import Candidate
from palmette_plugins.engines.sparse_search.parent import Initialisation, draw_parent, sub_network
from palmette_plugins.engines.sparse_search.spaces import Space, mask_space
from palmette_plugins.nas.random_sparse_search import RandomSparseSearch
from palmette_plugins.pruning_growth.random_pruning import RandomPruning

MODEL = "zoo:mlp?hidden=24,16&batch_norm=true"
SMALL = {
    "model": MODEL,
    "data": "digits?limit=200",
    "sparsities": [0.8],
    "candidates": 20,
    "random_controls": 2,
    "seeds": 2,
    "recipe": {"epochs": 2, "weight_decay": 0.01},
}
Search = Callable[..., RunResult]


@pytest.fixture
def search(tmp_path: Path) -> Search:
    def run(**values: Any) -> RunResult:
        return run_method(RandomSparseSearch, store=tmp_path / "artifacts", cpu=1, **{**SMALL, **values})

    return run


def table(result: RunResult, output: str) -> list[dict[str, Any]]:
    return json.loads(Path(result.store.local_path(result.artifacts[output][-1], "table.json")).read_text())


def loaded(result: RunResult, output: str = "model", index: int = 0) -> nn.Module:
    reference = f"artifact:{result.artifacts[output][index]}"
    return load_model_reference(reference, "model", None, result.store, seed=0).module.eval()


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_masked_weights_are_exactly_zero_after_training(search: Search, optimizer: str) -> None:
    module = loaded(search(recipe={**SMALL["recipe"], "optimizer": optimizer, "lr": 0.01}))
    layers = {name: layer for name, layer in module.named_modules() if hasattr(layer, "weight_mask")}
    removed = [layer.weight[~layer.weight_mask] for layer in layers.values()]
    removed += [layer.bias[~layer.bias_mask] for layer in layers.values() if hasattr(layer, "bias_mask")]

    assert sum(len(weights) for weights in removed) > 1000
    assert all(torch.count_nonzero(weights) == 0 for weights in removed)
    assert {"layers.0", "layers.1"} <= layers.keys()  # the batch norms of dead nodes are masked with them


def test_the_sliced_network_agrees_with_the_masked_one_after_training(search: Search) -> None:
    result = search(sparsities=[0.5, 0.8])
    inputs = torch.randn(50, 1, 8, 8)

    for index in range(2):
        masked, plain = loaded(result, "model", index), loaded(result, "sliced", index)
        with torch.inference_mode():
            assert torch.allclose(masked(inputs), plain(inputs), atol=1e-6)
        assert sum(p.numel() for p in plain.parameters()) < 0.6 * sum(p.numel() for p in masked.parameters())
        assert not [name for name in plain.state_dict() if name.endswith("_mask")]


def test_the_table_says_what_every_candidate_scored_and_the_trained_ones_reached(search: Search) -> None:
    result = search(train_worst=True)
    rows = table(result, "candidates")

    assert len(rows) == 2 * (20 + 2)
    assert all(row["score"] > 0 for row in rows)
    for seed in (0, 1):
        ours = [row for row in rows if row["seed"] == seed]
        trained = [row for row in ours if row["final"] is not None]
        scores = [row["score"] for row in ours if row["role"] == "search"]
        of_search = sorted(row["score"] for row in trained if row["role"] == "search")
        assert of_search == [min(scores), max(scores)]
        assert len([row for row in trained if row["role"] == "control"]) == 2


def test_a_candidate_is_found_again_from_its_seed_and_index(search: Search) -> None:
    result = search(recipe={"epochs": 1, "max_steps": 1, "lr": 1e-9})
    found = result.manifest("model").attributes
    untrained = load_model_reference(MODEL, "model", None, None, seed=0)
    data = result.manifest("model").spec
    parent = draw_parent(
        untrained.replaced(spec=data.model_copy(update={"edits": ()})),
        Initialisation.HE_NORMAL,
        derive_seed(0, "replicate/0"),
    )
    masks = Candidate(int(found["mask_seed"]), found["mask_index"]).masks(mask_space(Space.NODE, parent.module, 0.8))

    module, expected = loaded(result), sub_network(parent, masks).module
    assert torch.allclose(module.layers[0].weight, expected.layers[0].weight, atol=1e-6)
    assert torch.equal(module.layers[0].weight_mask, expected.layers[0].weight_mask)


def test_verdicts_compare_per_sparsity_and_over_all(search: Search) -> None:
    result = search(sparsities=[0.5, 0.8])
    rows = table(result, "verdicts")

    assert [row["sparsity"] for row in rows] == [0.5, 0.8, None]
    for row in rows[:2]:
        arms = [
            [result.metrics[f"sparsity {row['sparsity']}/seed {seed}/{arm}/accuracy"] for seed in (0, 1)]
            for arm in ("found", "random")
        ]
        assert row["difference"] == pytest.approx(100 * (sum(arms[0]) - sum(arms[1])) / 2)
    assert rows[2]["difference"] == pytest.approx((rows[0]["difference"] + rows[1]["difference"]) / 2)
    assert all(row["low"] <= row["difference"] <= row["high"] for row in rows)
    assert {"sparsity", "score", "training"} <= result.manifest("model").figures.keys()


def test_at_sparsity_zero_every_arm_is_the_dense_parent_bit_for_bit(search: Search) -> None:
    result = search(sparsities=[0.0])
    row = table(result, "verdicts")[0]

    assert result.metrics["sparsity 0/seed 0/found/accuracy"] == result.metrics["seed 0/dense/accuracy"]
    assert len({row["score"] for row in table(result, "candidates") if row["seed"] == 0}) == 1
    assert (row["difference"], row["verdict"], row["steps_saved"]) == (0.0, "equivalent", 0.0)


@pytest.mark.parametrize("values", [{"space": "edge"}, {"space": "erk"}, {"score": "short_training"}])
def test_other_spaces_and_scores_run(search: Search, values: dict[str, Any]) -> None:
    result = search(**values)

    assert ("sliced" in result.artifacts) == (values.get("space") is None)
    assert len(table(result, "verdicts")) == 2


def test_without_a_margin_one_seed_is_enough_and_there_is_no_verdict(search: Search) -> None:
    assert table(search(seeds=1, delta=None), "verdicts") == []


def test_masks_of_another_method_join_as_an_arm(search: Search, tmp_path: Path) -> None:
    store = tmp_path / "artifacts"
    recipe = {"epochs": 1, "batch_size": 64}
    pruned = run_method(RandomPruning, store=store, cpu=1, model=MODEL, data=SMALL["data"], density=0.2, recipe=recipe)
    reference = f"artifact:{pruned.artifacts['model'][0]}"

    result = search(space="erk", external_masks=[reference])
    rows = table(result, "verdicts")
    assert [row["arm"] for row in rows] == ["found", "found", "external", "external"]  # at each sparsity, and over all
    assert pruned.artifacts["model"][0] in result.manifest("model").parents

    with pytest.raises(InvalidArgument, match=r"add 0\.8 to config\.sparsities"):
        search(space="erk", sparsities=[0.5], external_masks=[reference])
    with pytest.raises(InvalidArgument, match="one of them per sparsity"):
        search(space="erk", external_masks=[reference, reference])
    with pytest.raises(InvalidArgument, match="fits no parameter"):
        search(space="erk", model="zoo:mlp?hidden=25,16", external_masks=[reference])


class _Stopping(LoggingSink):
    """Asks to stop at a share of the progress."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at, self.fraction = at, 0.0

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        self.fraction = fraction

    def cancel_reason(self) -> str | None:
        return "stopped by the test" if self.fraction >= self.at else None


def test_a_resumed_job_ends_like_an_undisturbed_one(search: Search, tmp_path: Path) -> None:
    undisturbed = search(recipe={**SMALL["recipe"], "checkpoint_every_epochs": 1})
    for at in (0.01, 0.3, 0.6):
        with pytest.raises(JobCancelled):
            search(
                recipe={**SMALL["recipe"], "checkpoint_every_epochs": 1},
                checkpoints=tmp_path / "checkpoints",
                sink=_Stopping(at),
            )
    resumed = search(recipe={**SMALL["recipe"], "checkpoint_every_epochs": 1}, checkpoints=tmp_path / "checkpoints")

    assert table(resumed, "candidates") == table(undisturbed, "candidates")
    assert resumed.metrics == undisturbed.metrics
    first, second = loaded(undisturbed).state_dict(), loaded(resumed).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"sparsities": [1.0]}, "config.sparsities", r"\[0, 1\)"),
        ({"sparsities": [0.5, 0.5]}, "config.sparsities", "given once"),
        ({"sparsities": [0.5, 0.999]}, "config.sparsities[1]", "no node in 'layers.3'; at most 0.9"),
        ({"seeds": 1}, "config", "one seed allows no verdict"),
        ({"random_controls": 1}, "config.random_controls", "greater than or equal to 2"),
        ({"candidates": 100_001}, "config.candidates", "less than or equal to 100000"),
        ({"score": "loss"}, "config.score", "did you mean 'loss_at_init'"),
        ({"model": "timm:mobilenetv3_small_050"}, "inputs.model", "use edge or erk"),
        ({"model": "zoo:mlp?hidden="}, "inputs.model", "no hidden layer"),
    ],
)
def test_bad_input_is_refused_with_its_field(search: Search, values: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason) as caught:
        search(**values)

    assert field in [violation.field for violation in caught.value.violations]
