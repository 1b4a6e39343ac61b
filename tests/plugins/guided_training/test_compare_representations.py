"""The operation behind CompareRepresentations."""

from __future__ import annotations

from typing import Any

import pytest

from palmette_plugins.api import InvalidArgument
from palmette_plugins.guided_training.compare_representations import compare_representations

REQUEST = {"first": "zoo:mlp?hidden=32,16", "second": "zoo:resnet8?width=4", "data": "digits"}


def test_every_layer_of_one_against_every_layer_of_the_other() -> None:
    answer = compare_representations({**REQUEST, "examples": 64})
    assert answer["first_layers"] == ["layers.0", "layers.2"]
    assert answer["second_layers"][0] == "conv1"
    assert [len(row["similarities"]) for row in answer["rows"]] == [len(answer["second_layers"])] * 2
    assert all(0 <= value <= 1 for row in answer["rows"] for value in row["similarities"])
    assert answer["examples"] == 64
    assert len(answer["figure"]["data"]["values"]) == 2 * len(answer["second_layers"])


def test_a_model_is_like_itself_and_the_seed_decides_its_weights() -> None:
    same = compare_representations({**REQUEST, "second": REQUEST["first"], "seed": 3})
    assert [row["similarities"][index] for index, row in enumerate(same["rows"])] == pytest.approx([1, 1], abs=1e-5)
    assert same["rows"] != compare_representations({**REQUEST, "second": REQUEST["first"], "seed": 4})["rows"]


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"distance": "cosine", "split": "valid", "examples": 1}, ["distance", "split", "examples"]),
        ({"first": "zoo:resnet8?in_channels=3"}, ["first"]),
        ({"data": "digit"}, ["data"]),
        ({"second": "zoo:mlp?hidden="}, ["second"]),
    ],
)
def test_bad_input_is_refused(values: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as error:
        compare_representations({**REQUEST, **values})
    assert [violation.field for violation in error.value.violations] == fields
