"""What random pruning refuses, and by which field it names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from palmette_plugins.api import DataInfo, InvalidArgument, JobSpec, LoadedModel, ModelSpec, Submission, run_method
from palmette_plugins.pruning_growth.random_pruning import RandomPruning

MODEL = "zoo:resnet20?width=4"


def refused(store: Path, **values: Any) -> dict[str, str]:
    """Return what is said of a job, by field."""
    with pytest.raises(InvalidArgument) as caught:
        run_method(RandomPruning, store=store, cpu=1, **{"model": MODEL, "data": "digits", **values})
    return {violation.field: violation.description for violation in caught.value.violations}


class Described(Submission):
    """A submission whose model and data no installed provider has."""

    def __init__(self, data: DataInfo, module: nn.Module, config: dict[str, Any]) -> None:
        super().__init__(JobSpec("pruning_growth", "random-pruning", config=config), RandomPruning)
        self._described = data, LoadedModel(module, ModelSpec(architecture="zoo:other"), "zoo:other")

    def data(self, name: str, index: int = 0) -> DataInfo:
        return self._described[0]

    def model(self, name: str, index: int = 0) -> LoadedModel:
        return self._described[1]


def checked(data: DataInfo, module: nn.Module, **config: Any) -> dict[str, str]:
    """Return what the method itself says of such a submission, by field."""
    submission = Described(data, module, config)
    found = RandomPruning(submission.config).check(submission)
    return {violation.field: violation.description for violation in found}


def test_a_density_that_empties_a_layer_is_refused_at_submission(tmp_path: Path) -> None:
    found = refused(tmp_path, density=0.0005, ratio="uniform")
    assert "no weight in layer 'conv1'" in found["config.density"]
    assert "smallest density for this model is 0.01563" in found["config.density"]  # half a weight of 32


def test_such_a_density_is_refused_for_scores_as_soon_as_they_are_known(tmp_path: Path) -> None:
    assert "smallest density" in refused(tmp_path, density=0.001, ratio="snip_ratio")["config.density"]


def test_several_mistakes_are_named_at_once(tmp_path: Path) -> None:
    found = refused(tmp_path, density=0.0, ratio="magnitude", draw="twice", seed=1, recipe={"epochs": -1})
    assert found.keys() == {"config.density", "config.ratio", "config.draw", "config.recipe.epochs"}


@pytest.mark.parametrize("ratio", ["snip_ratio", "grasp_ratio"])
def test_rules_that_look_at_gradients_need_labels(ratio: str) -> None:
    unlabelled = DataInfo("imagefolder:/photos", "classification", {"train": 10}, (3, 32, 32))
    found = checked(unlabelled, nn.Linear(3, 2), ratio=ratio)
    assert "no labels; use erk" in found["config.ratio"]
    assert checked(unlabelled, nn.Linear(3, 2), ratio="erk", density=0.5) == {}


@pytest.mark.parametrize("ratio", ["erk", "uniform_plus", "snip_ratio"])
def test_a_model_without_maskable_layers_is_refused(ratio: str) -> None:
    labelled = DataInfo("photos", "classification", {"train": 10}, (3, 32, 32), num_classes=2)
    found = checked(labelled, nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()), ratio=ratio)
    assert "has no maskable layer" in found["inputs.model"]


def test_label_smoothing_is_refused_at_submission_where_there_are_no_classes(tmp_path: Path) -> None:
    found = refused(
        tmp_path,
        model="zoo:tiny-gpt?layers=1&d_model=16&heads=2",
        data="prose?limit=64&context=32",
        recipe={"label_smoothing": 0.1},
    )
    assert "no classes" in found["config.recipe.label_smoothing"]
