"""The harness of the claims: tuning sees no test split, confirming no tuned seed, and no run is done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.claims.claim import Claim, Outcome, Verdict, paired_margin
from tests.claims.lab import Lab
from tests.claims.report import write_claim, write_page

from palmette_plugins.pruning_growth.dense_training import DenseTraining

VALUES: dict[str, Any] = {"model": "zoo:resnet20?width=2", "data": "digits", "recipe": {"epochs": 1, "max_steps": 2}}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(cache=tmp_path / "cache", cpu=1, report=lambda line: None)


def test_tuning_shows_validation_alone_and_confirming_the_test_split(lab: Lab) -> None:
    tuned = lab.validate("dense", DenseTraining, 100, **VALUES)
    confirmed = lab.confirm("dense", DenseTraining, 0, **VALUES)
    assert {"accuracy", "loss"} <= tuned.keys()
    assert all(name.startswith("validation/") for name in lab.runs[0].metrics)  # not even in the report
    assert "parameters" in confirmed
    assert confirmed["accuracy"] != confirmed["validation/accuracy"]


def test_seeds_are_for_one_or_the_other(lab: Lab) -> None:
    with pytest.raises(ValueError, match="kept for confirming"):
        lab.validate("dense", DenseTraining, 0, **VALUES)
    lab.validate("dense", DenseTraining, 100, **VALUES)
    with pytest.raises(ValueError, match="used for tuning"):
        lab.confirm("dense", DenseTraining, 100, **VALUES)


def test_a_run_that_was_done_is_not_done_again(lab: Lab) -> None:
    first = lab.confirm("dense", DenseTraining, 0, **VALUES)
    started: list[str] = []
    later = Lab(cache=lab.cache, cpu=1, report=started.append)
    assert later.confirm("dense", DenseTraining, 0, **VALUES) == first
    assert started == []
    later.confirm("dense", DenseTraining, 1, **VALUES)
    assert started == ["confirming dense, seed 1 ..."]


def test_a_prepared_model_is_trained_once_and_arms_can_start_from_it(lab: Lab) -> None:
    reference = lab.prepare("start", DenseTraining, 0, **VALUES)
    assert lab.prepare("start", DenseTraining, 0, **VALUES) == reference
    assert lab.runs == []  # it is no arm
    confirmed = lab.confirm("more", DenseTraining, 1, **{**VALUES, "model": reference})
    assert "accuracy" in confirmed
    assert [model.reference for model in lab.prepared] == [reference, reference]


def test_tuning_takes_the_best_mean_over_the_seeds(lab: Lab) -> None:
    scores = {("a", 100): 0.9, ("a", 101): 0.1, ("b", 100): 0.6, ("b", 101): 0.6}
    assert lab.tune(["a", "b"], lambda name, seed: scores[name, seed], seeds=(100, 101)) == "b"


def test_a_margin_is_paired_by_seed() -> None:
    margin, error = paired_margin([0.9, 0.8, 0.7], [0.8, 0.7, 0.6], 100)
    assert margin == pytest.approx(10)
    assert error == pytest.approx(0)


class Small(Claim):
    slug = "small"
    duration = "seconds"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        accuracy = lab.confirm("dense", DenseTraining, 0, **VALUES)["accuracy"]
        verdict = Verdict("It is perfect.", accuracy == 1, accuracy - 1, "points", float("nan"), {"dense": [accuracy]})
        return Outcome([verdict], {"lr": 0.1}, "Digits.")


def test_the_report_lists_every_run_and_says_what_does_not_hold(lab: Lab, tmp_path: Path) -> None:
    outcome = Small().measure(lab, quick=False)
    content = json.loads(write_claim(tmp_path, Small(), outcome, lab, 1.0).read_text())
    assert [(run["stage"], run["seed"], run["values"]) for run in content["runs"]] == [("confirming", 0, VALUES)]
    assert content["verdicts"][0]["standard_error"] is None  # one seed; JSON has no NaN
    assert content["machine"]["versions"]["torch"]
    page = write_page(tmp_path).read_text()
    assert "## small" in page
    assert "| It is perfect. |" in page
    assert page.count("| no |") == 1
