"""What filtering refuses, with the field that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palmette_plugins.api import InvalidArgument, RunResult
from palmette_plugins.data_filtering.dfn import Dfn

from .conftest import POOL, filtered


def refusals(folder: Path, **values: Any) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as error:
        filtered(folder, **values)
    return {violation.field: violation.description for violation in error.value.violations}


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"fraction": 0.5, "threshold": 0.2}, "config.threshold", "not both"),
        ({"fraction": None}, "config.fraction", "not neither"),
        ({"fraction": 0.002}, "config.fraction", "0.002 of 400 pairs is none"),
        ({"fraction": 0}, "config.fraction", "greater than 0"),
        ({"fraction": None, "threshold": 1.5}, "config.threshold", "less than or equal to 1"),
        ({"evaluation": POOL}, "inputs.evaluation", "has no labelled images"),
        ({"evaluation": "prose"}, "inputs.evaluation", "has no labelled images"),
        ({"clean": []}, "inputs.clean", "required"),
        ({"pool": "digits"}, "inputs.pool", "captioned:"),
        ({"filter": "reference"}, "inputs.network", "takes either"),
        ({"arch": "vit_b_23"}, "config.arch", "ViT-B-32"),
        ({"arch": "reconstruction"}, "config.arch", "no towers"),
        ({"samples_seen": 10}, "config.samples_seen", "less than one batch of 32"),
        ({"templates": ["a digit"]}, "config.templates[0]", "needs one {}"),
        ({"finetune": [{"data": "prose"}]}, "config.finetune[0].data", "neither image-text pairs nor labelled"),
        ({"finetune": [{"data": "nothing"}]}, "config.finetune[0].data", "nothing"),
        ({"scorer": "reconstruction", "fraction": None, "threshold": 0.1}, "config.threshold", "give a fraction"),
    ],
)
def test_bad_input_names_its_field(tmp_path: Path, values: dict[str, Any], field: str, text: str) -> None:
    assert text in refusals(tmp_path, **values)[field]


def test_a_threshold_alone_replaces_the_default_fraction() -> None:
    assert Dfn.Config(threshold=0.2).fraction is None
    assert Dfn.Config().fraction == 0.15


def test_clean_pairs_among_the_images_to_measure_on_are_refused(tmp_path: Path) -> None:
    shared = {"clean": "captioned:digits?split=test&limit=100", "evaluation": "digits"}
    assert "100 of its images" in refusals(tmp_path, **shared)["inputs.clean"]
    trusted = {"finetune": [{"data": "captioned:digits?split=test&limit=40"}], "evaluation": "digits"}
    assert "40 of its images" in refusals(tmp_path, **trusted)["config.finetune[0].data"]


def test_a_filter_that_scores_otherwise_or_is_none_is_refused(whole: RunResult, trained: dict[str, Any]) -> None:
    assert "scores by contrastive" in refusals(**trained | {"scorer": "binary"})["config.scorer"]
    table = f"artifact:{whole.artifacts['scores'][0]}"
    assert "not a model" in refusals(**trained | {"network": table})["inputs.network"]


def test_nothing_above_a_threshold_is_an_error_that_says_how_high_scores_are(trained: dict[str, Any]) -> None:
    found = refusals(**trained | {"fraction": None, "threshold": 1.0})
    assert "the best of 400 pairs scores" in found["config.threshold"]
