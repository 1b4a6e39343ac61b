"""MEAL V2 from submission to a saved artifact."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from palmette_plugins.api import InvalidArgument, RunResult, run_method
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.guided_training.meal_v2 import MealV2
from palmette_plugins.pruning_growth.dense_training import DenseTraining

RECIPE = {"epochs": 2, "batch_size": 64, "precision": "fp32"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def trained(store: Path) -> Any:
    @cache
    def train(model: str, seed: int = 0, epochs: int = 3) -> str:
        result = run_method(
            DenseTraining, store=store, cpu=1, model=model, data="digits", recipe={"epochs": epochs}, seed=seed
        )
        return f"artifact:{result.artifacts['model'][0]}"

    return train


def distil(store: Path, trained: Any, **values: Any) -> RunResult:
    teachers = [trained("zoo:resnet8?width=8", 1, 5), trained("zoo:resnet8?width=8", 2, 5)]
    given = {"student": trained("zoo:mlp?hidden=32"), "teachers": teachers, "data": "digits", "recipe": RECIPE}
    return run_method(MealV2, store=store, cpu=1, **{**given, **values})


def weights(result: RunResult) -> dict[str, torch.Tensor]:
    reference = f"artifact:{result.artifacts['model'][0]}"
    return load_model_reference(reference, "model", None, result.store, seed=0).module.state_dict()


def same(first: RunResult, second: RunResult) -> bool:
    a, b = weights(first), weights(second)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_what_a_job_leaves(store: Path, trained: Any) -> None:
    result = distil(store, trained)
    manifest = result.manifest()
    before = load_model_reference(trained("zoo:mlp?hidden=32"), "model", None, result.store, seed=0)
    assert manifest.spec is not None
    assert manifest.spec.architecture == before.spec.architecture  # and no discriminator in it
    assert set(weights(result)) == set(before.module.state_dict())
    expected = {"start/accuracy", "teacher-0/accuracy", "teacher-1/accuracy", "ensemble/accuracy", "agreement"}
    assert expected <= set(manifest.metrics)
    assert manifest.metrics["teacher-0/accuracy"] > 0.5
    assert len(manifest.parents) == 3
    assert "accuracy" in manifest.figures
    assert {"train/similarity-loss", "train/discriminator-loss", "train/discriminator-accuracy"} <= set(result.metrics)


def test_labels_play_no_part(store: Path, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    result = distil(store, trained)
    from palmette_plugins.datasets import digits

    pixels, classes = digits._raw()
    split = digits._split(0)
    wrong = classes.copy()
    wrong[split["train"]] = 0
    monkeypatch.setattr(digits, "_raw", lambda: (pixels, wrong))
    noisy = distil(store, trained)
    assert noisy.manifest().dataset_fingerprint != result.manifest().dataset_fingerprint
    assert same(result, noisy)
    assert not same(result, distil(store, trained, hard_label_weight=0.5))


@pytest.mark.parametrize(
    "values",
    [
        {"adversarial": "official"},
        {"adversarial": "none"},
        {"cutmix": 1.0},
        {"soft_labels": "cached", "crops": 2, "topk": 3},
    ],
)
def test_every_variant_trains_differently(store: Path, trained: Any, values: dict[str, Any]) -> None:
    result = distil(store, trained, **values)
    assert not same(result, distil(store, trained))
    assert ("train/discriminator-loss" in result.metrics) == (values.get("adversarial") != "none")


def test_the_order_of_teachers_does_not_matter(store: Path, trained: Any) -> None:
    teachers = [trained("zoo:resnet8?width=8", 1, 5), trained("zoo:resnet8?width=8", 2, 5)]
    first, second = weights(distil(store, trained)), weights(distil(store, trained, teachers=teachers[::-1]))
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-5, rtol=1e-5)


def test_teachers_stay_as_they_are(store: Path, trained: Any) -> None:
    reference = trained("zoo:resnet8?width=8", 1, 5)
    result = distil(store, trained)
    before = load_model_reference(reference, "model", None, result.store, seed=0).module
    from palmette_plugins.engines.frozen import Frozen
    from palmette_plugins.engines.recipe import Precision

    frozen = Frozen(before, torch.device("cpu"), Precision.FP32)
    state = {name: tensor.clone() for name, tensor in before.state_dict().items()}
    assert not frozen(torch.randn(8, 1, 8, 8, requires_grad=True)).requires_grad
    assert all(torch.equal(state[name], tensor) for name, tensor in frozen.module.state_dict().items())
    assert not any(parameter.requires_grad for parameter in frozen.module.parameters())


def test_an_untrained_student_is_warned_of(store: Path, trained: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING"):
        distil(store, trained, student="zoo:mlp?hidden=32", recipe={**RECIPE, "epochs": 1})
    assert "at chance" in caplog.text


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"teachers": []}, "inputs.teachers", "at least one"),
        ({"teachers": ["zoo:resnet8"]}, "inputs.teachers[0]", "not trained"),
        ({"soft_labels": "cached", "topk": 10}, "config.topk", "below the number of classes, 10"),
        ({"discriminator_k": 4}, "config.discriminator_k", "at most 3"),
        ({"cutmix": 1, "soft_labels": "cached"}, "config", "fixed crops"),
        ({"student": "zoo:mlp?num_classes=7"}, "inputs.student", "num_classes=7"),
    ],
)
def test_bad_input_is_refused(store: Path, trained: Any, values: dict[str, Any], field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        distil(store, trained, **values)
    assert [(found.field, text in found.description) for found in error.value.violations] == [(field, True)]
