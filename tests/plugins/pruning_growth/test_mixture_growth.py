"""MixtureGrowth as a job: from reference to artifacts, interrupted anywhere, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.plugins.pruning_growth.reports import StoppingSink
from torch import nn

from palmette_plugins.api import InvalidArgument, JobCancelled, ModelSpec, RunResult, run_method
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.structure import structure_of
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.template_mixing.half import half_width
from palmette_plugins.pruning_growth.mixture_growth import MixtureGrowth

MODEL = "zoo:resnet8?width=8"
SETTINGS: dict[str, Any] = {
    "epochs_small": 2, "epochs_grown": 2, "lr_grown": 0.01, "recipe": {"precision": "fp32", "batch_size": 64}
}  # fmt: skip


def _run(store: Path, **values: Any) -> RunResult:
    return run_method(MixtureGrowth, store=store, **{"model": MODEL, "data": "digits", **SETTINGS, **values})


def _loaded(result: RunResult, output: str = "model", index: int = 0) -> nn.Module:
    reference = f"artifact:{result.artifacts[output][index]}"
    return load_model_reference(reference, output, None, result.store, seed=0).module.eval()


def _violations(**values: Any) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        _run(Path("never-written"), **values)
    return {violation.field: violation.description for violation in caught.value.violations}


def _plain(reference: str) -> nn.Module:
    info = describe_dataset("digits", "data")
    return load_model_reference(reference, "model", info, None, seed=0).module


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, StoppingSink]:
    """One undisturbed run."""
    sink = StoppingSink()
    return _run(tmp_path_factory.mktemp("store"), sink=sink), sink


def test_the_result_is_a_plain_network_of_the_architecture_asked_for(grown: tuple[RunResult, StoppingSink]) -> None:
    result, sink = grown
    spec = result.manifest().spec
    assert spec.architecture == "zoo:resnet8?in_channels=1&num_classes=10&width=8"
    assert spec.edits == ()
    shapes = {name: tensor.shape for name, tensor in _loaded(result).state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in _plain(MODEL).state_dict().items()}
    assert sink.fractions == sorted(sink.fractions)
    assert sink.fractions[-1] == 1


def test_the_members_are_plain_networks_half_as_wide(grown: tuple[RunResult, StoppingSink]) -> None:
    result, _ = grown
    assert len(result.artifacts["members"]) == 2
    members = [_loaded(result, "members", index) for index in range(2)]
    half = {name: tensor.shape for name, tensor in _plain("zoo:resnet8?width=4").state_dict().items()}
    assert all({name: tensor.shape for name, tensor in m.state_dict().items()} == half for m in members)
    assert not torch.equal(members[0].conv1.weight, members[1].conv1.weight)


def test_every_stage_is_measured(grown: tuple[RunResult, StoppingSink]) -> None:
    result, sink = grown
    metrics = result.manifest().metrics
    for name in ("accuracy", "member-0/accuracy", "member-1/accuracy", "at-growth/accuracy"):
        assert 0 <= metrics[name] <= 1
    assert metrics["accuracy"] > 0.5  # ten classes: chance is 0.1
    members = [result.store.manifest(identifier) for identifier in result.artifacts["members"]]
    assert [m.metrics["accuracy"] for m in members] == [metrics["member-0/accuracy"], metrics["member-1/accuracy"]]
    phases = [row["phase"] for row in sink.figures["growth"]["data"]["values"]]
    assert phases == ["member-0"] * 2 + ["member-1"] * 2 + ["grown"] * 2
    work = [row["teraflops"] for row in sink.figures["growth"]["data"]["values"]]
    assert work == sorted(work)
    assert work[-1] * 1e12 == pytest.approx(metrics["training-flops/total"])


def test_training_work_is_counted_from_multiply_adds(grown: tuple[RunResult, StoppingSink]) -> None:
    metrics = grown[0].manifest().metrics
    examples = 2 * (len(load_dataset("digits")["train"]) // 64) * 64
    small, large = (metrics[name] for name in ("member-0/macs", "macs"))
    assert small < large / 3  # a quarter, but for the first layer and the classifier
    templates, steps = 2, examples / 64
    weights = sum(p.numel() for p in _plain("zoo:resnet8?width=4").parameters() if p.ndim > 1)
    assert metrics["training-flops/member-0"] == 6 * (small * examples + templates * weights * steps)
    assert metrics["training-flops/from-scratch"] == 6 * large * 2 * examples
    assert metrics["training-flops/total"] == sum(
        metrics[f"training-flops/{phase}"] for phase in ("member-0", "member-1", "grown")
    )
    assert metrics["training-flops/ratio"] < 1


@pytest.mark.parametrize("prefix", ["member-0/", "member-1/", ""])
def test_a_job_cancelled_in_any_phase_goes_on_to_the_same_end(
    grown: tuple[RunResult, StoppingSink], tmp_path: Path, prefix: str
) -> None:
    sink = StoppingSink(f"{prefix}validation/accuracy")
    with pytest.raises(JobCancelled):
        _run(tmp_path, checkpoints=tmp_path / "job", sink=sink)
    resumed = _run(tmp_path, checkpoints=tmp_path / "job")

    assert resumed.manifest().metrics == grown[0].manifest().metrics
    for output, index in (("model", 0), ("members", 0), ("members", 1)):
        expected = _loaded(grown[0], output, index).state_dict()
        found = _loaded(resumed, output, index).state_dict()
        assert all(torch.equal(expected[name], tensor) for name, tensor in found.items())


def test_zero_coefficients_start_from_the_sum_of_the_members(tmp_path: Path) -> None:
    result = _run(
        tmp_path, coefficient_init="zero", epochs_grown=1, lr_grown=1e-9, min_lr_grown=0,
        recipe={"precision": "fp32", "weight_decay": 0},
    )  # fmt: skip
    images = load_dataset("digits")["test"].tensors[0][:50]
    grown, *members = (_loaded(result, *which) for which in (("model", 0), ("members", 0), ("members", 1)))
    metrics = result.manifest().metrics
    accuracy = float(
        (sum(m(load_dataset("digits")["test"].tensors[0]) for m in members).argmax(1)
         == load_dataset("digits")["test"].tensors[1]).float().mean()
    )  # fmt: skip
    assert metrics["at-growth/accuracy"] == pytest.approx(accuracy, abs=1e-6)
    # Convolutions of the grown network hold the members' on the diagonal and zeros beside it.
    weight, halves = grown.stages[0][0].conv1.weight, [m.stages[0][0].conv1.weight for m in members]
    torch.testing.assert_close(weight[:4, :4], halves[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(weight[4:, 4:], halves[1], rtol=0, atol=1e-6)
    torch.testing.assert_close(weight[:4, 4:], torch.zeros(4, 4, 3, 3), rtol=0, atol=1e-6)
    assert grown(images).shape == (50, 10)


def test_a_copied_second_member_costs_no_training(tmp_path: Path) -> None:
    metrics = _run(tmp_path, second_member="copy", epochs_small=1, epochs_grown=1).manifest().metrics
    assert "training-flops/member-1" not in metrics
    assert abs(metrics["member-0/accuracy"] - metrics["member-1/accuracy"]) < 0.05


def test_a_wide_residual_network_grows(tmp_path: Path) -> None:
    result = _run(tmp_path, model="zoo:wrn-10-2?stem=4", templates=4, epochs_small=1, epochs_grown=1)
    assert result.store.manifest(result.artifacts["members"][0]).spec.architecture.startswith("zoo:wrn-10-1?")
    assert result.manifest().metrics["accuracy"] > 0.2


def test_wrn_28_10_has_the_plain_networks_parameters() -> None:
    reference = "zoo:wrn-28-10?in_channels=3&num_classes=100&stem=16&classifier_bias=false"
    target = structure_of(ModelSpec(architecture=reference))
    half = structure_of(half_width(ModelSpec(architecture=reference)))
    counts = [sum(p.numel() for p in module.parameters()) for module in (target, half)]
    assert counts[0] == 36_536_784
    assert counts[1] < counts[0] / 3.9


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("zoo:resnet8?width=9", "layer 'conv1' has 9 channels"),
        ("zoo:wrn-10-3", "odd"),
        ("zoo:wrn-10-2?stem=15", "would not be whole"),
        ("zoo:mlp", "no width factor"),
        ("timm:test_resnet", "no width factor"),
    ],
)
def test_architectures_without_a_half_are_refused(model: str, reason: str) -> None:
    assert reason in _violations(model=model)["inputs.model"]


def test_a_trained_model_is_refused(grown: tuple[RunResult, StoppingSink]) -> None:
    result, _ = grown
    with pytest.raises(InvalidArgument, match="trained or edited"):
        _run(Path(result.store.url), model=f"artifact:{result.artifacts['model'][0]}")


def test_epochs_are_set_in_one_place() -> None:
    config = MixtureGrowth.Config.model_validate({"epochs_small": 7})
    assert config.recipe.epochs == 7
    assert config.recipe.nesterov
    assert config.grown_recipe().epochs == config.epochs_grown
    assert config.grown_recipe().lr == config.lr_grown
    assert MixtureGrowth.Config.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("recipe", [{"epochs": 20}, {"epochs": 3, "lr": 0.1}, Recipe(epochs=3)])
def test_epochs_in_the_recipe_are_refused_with_the_fields_that_count(recipe: Any) -> None:
    found = _violations(recipe=recipe, templates=0)
    assert set(found) == {"config.recipe.epochs", "config.templates"}
    assert "set config.epochs_small for the small networks and config.epochs_grown" in found["config.recipe.epochs"]


def test_a_recipe_that_does_not_fit_the_small_networks_epochs_is_refused() -> None:
    assert "below epochs (2)" in _violations(recipe={"warmup_epochs": 2})["config.recipe"]


def test_epochs_of_the_recipe_are_in_no_form_and_no_manifest() -> None:
    schema = MixtureGrowth.Config.model_json_schema()
    recipe = schema["$defs"]["MemberRecipe"]["properties"]
    assert list(recipe) == [name for name in Recipe.model_json_schema()["properties"] if name != "epochs"]
    assert recipe["nesterov"]["default"] is True
    assert "epochs" not in MixtureGrowth.Config().model_dump(mode="json")["recipe"]


def test_fields_out_of_range_are_all_named() -> None:
    found = _violations(templates=0, lr_grown=0, coefficient_init="best", epochs_grown=0)
    assert set(found) == {f"config.{name}" for name in ("templates", "lr_grown", "coefficient_init", "epochs_grown")}
