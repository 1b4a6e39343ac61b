"""`palmette models`: what it asks, what it prints, how it ends."""

from __future__ import annotations

import json

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from rich.console import Console, RenderableType
from tests.sdk.cli.conftest import Run
from tests.sdk.tiny_suite import TinySuite

from palmette.cli.exit_codes import ExitCode
from palmette.cli.formatting import short_count_text
from palmette.cli.models import layer_table, likeness_table
from palmette.types import LayerInfo, ModelInspection, RepresentationComparison

COMPARE = ("models", "compare", "zoo:tiny", "zoo:tiny", "--data", "digits")


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_inspect_lists_layers_and_totals(palmette: Run, suite: TinySuite) -> None:
    done = palmette("models", "inspect", "zoo:tiny", "--data", "digits")

    assert MessageToDict(suite.pruning_growth.requests[0]) == {"model": "zoo:tiny", "data": "digits"}
    assert lines(done.out)[:4] == [
        ["LAYER", "TYPE", "WEIGHT", "OUTPUT", "PARAMS", "MACS", "DENSITY"],
        ["stages.0.conv", "Conv2d", "16x3x3x3", "16x32x32", "432", "442k", "0.100"],
        ["flatten[0]", "Flatten", "-", "16384", "0", "0", "1.000"],
        ["fc", "Linear", "10x16384", "10", "163,850", "164k", "1.000"],
    ]
    assert "164,282 parameters, 163,893 not zero\n" in done.out
    assert "606,208 multiply-adds (MACs) for one input of shape 3x32x32, 207,872 without those by zero\n" in done.out
    assert (done.code, done.err) == (ExitCode.OK, "")


def test_inspect_has_exact_numbers_as_json(palmette: Run) -> None:
    found = palmette("models", "inspect", "artifact:0123456789ab", "--json").json

    assert found["macs"] == 442_368 + 163_840
    assert found["input_shape"] == [3, 32, 32]
    assert found["layers"][0] == {
        "name": "stages.0.conv",
        "type": "Conv2d",
        "weight_shape": [16, 3, 3, 3],
        "output_shape": [16, 32, 32],
        "parameters": 432,
        "nonzeros": 43,
        "macs": 442_368,
        "density": 0.1,
        "maskable": True,
    }


def test_plan_shows_what_each_layer_would_keep(palmette: Run, suite: TinySuite) -> None:
    text = palmette("models", "plan", "zoo:tiny", "--density", "0.5", "--ratio", "snip_ratio", "--data", "digits")
    plan = palmette("models", "plan", "zoo:tiny", "--json").json

    asked, by_default = (MessageToDict(request) for request in suite.pruning_growth.requests)
    assert asked["config"] == {"density": 0.5, "ratio": "snip_ratio"}
    assert asked["data"] == "digits"
    assert by_default["config"] == {"density": 0.1, "ratio": "erk"}
    assert lines(text.out)[:3] == [
        ["LAYER", "DENSITY", "KEPT", "WEIGHTS"],
        ["stages.0.conv", "0.5000", "221,184", "442,368"],
        ["fc", "0.5000", "81,920", "163,840"],
    ]
    assert "303,104 of 606,208 weights kept, density 0.5" in text.out
    assert [layer["kept"] for layer in plan["layers"]] == [44_237, 16_384]
    assert (plan["kept"], plan["maskable"]) == (60_621, 606_208)


def test_compare_shows_the_nearest_layer_of_each(palmette: Run, suite: TinySuite) -> None:
    done = palmette(*COMPARE, "--examples", "64", "--distance", "rsa", "--split", "test", "--seed", "3")

    assert MessageToDict(suite.guided_training.requests[0]) == {
        "first": "zoo:tiny",
        "second": "zoo:tiny",
        "data": "digits",
        "split": "test",
        "examples": 64,
        "distance": "rsa",
        "seed": "3",
    }
    assert lines(done.out)[1:3] == [
        ["stages.0.conv", "conv", "1.000", "#" * 10],
        ["flatten[0]", "flatten[0]", "0.999", "#" * 10],
    ]
    assert "rsa on 64 examples; --json prints the similarity of every pair" in done.out


def test_compare_shows_layers_unlike_every_other_without_a_bar(palmette: Run, suite: TinySuite) -> None:
    suite.guided_training.rows = ((-0.5, -0.25, -0.75), (0.2, 0.04, 0.1))

    done = palmette(*COMPARE)

    assert lines(done.out)[1:3] == [["stages.0.conv", "flatten[0]", "-0.250"], ["flatten[0]", "conv", "0.200", "##"]]


def test_compare_has_the_whole_matrix_and_a_figure_as_json(palmette: Run, suite: TinySuite) -> None:
    found = palmette(*COMPARE, "--json").json

    assert found == {
        "first_layers": ["stages.0.conv", "flatten[0]"],
        "second_layers": ["conv", "flatten[0]", "fc"],
        "similarities": [list(row) for row in suite.guided_training.rows],
        "examples": 256,
        "figure": {"mark": "rect"},
    }


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("models", "plan", "zoo:huge"), "model"),
        (("models", "plan", "zoo:tiny", "--density", "2"), "config.density"),
        (("models", "compare", "zoo:tiny", "zoo:huge", "--data", "digits"), "second"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(palmette: Run, arguments: tuple[str, ...], field: str) -> None:
    done = palmette(*arguments, "--json")

    assert [each["field"] for each in json.loads(done.err)["error"]["violations"]] == [field]
    assert (done.code, done.out) == (ExitCode.INVALID, "")


def test_what_is_wrong_is_said_as_text_too(palmette: Run) -> None:
    done = palmette("models", "inspect", "zoo:huge")

    assert "model: no zoo model named 'huge'; known: tiny" in done.err
    assert (done.code, done.out) == (ExitCode.INVALID, "")


def test_what_is_missing_has_its_own_code(palmette: Run, suite: TinySuite) -> None:
    suite.gate.failures["InspectModel"] = [(grpc.StatusCode.NOT_FOUND, "no artifact 'artifacts/12345678'")]

    done = palmette("models", "inspect", "artifact:12345678")

    assert done.code == ExitCode.NOT_FOUND
    assert "no artifact 'artifacts/12345678'" in done.err


def test_a_comparison_needs_data(palmette: Run, suite: TinySuite) -> None:
    done = palmette("models", "compare", "zoo:tiny", "zoo:tiny")

    assert done.code == ExitCode.USAGE
    assert "--data" in done.err
    assert suite.guided_training.requests == []


def test_artifact_names_are_sent_as_references(palmette: Run, suite: TinySuite) -> None:
    name = suite.artifacts.add({"weights.safetensors": b"w"})

    palmette("models", "inspect", name)

    assert suite.pruning_growth.requests[0].model == name.replace("artifacts/", "artifact:")


def rows(shown: RenderableType, width: int) -> list[list[str]]:
    """Return the words of each row as a terminal of this width shows it."""
    console = Console(width=width)
    with console.capture() as capture:
        console.print(shown)
    return lines(capture.get())


def test_the_rows_of_a_resnet_fit_a_narrow_terminal() -> None:
    name, shape = "stages.1.0.shortcut.1", (32, 16, 16)
    layer = LayerInfo(name, "BatchNorm2d", (32, 16, 3, 3), shape, 36_864, 36_864, 2_359_296, 1.0, True)
    inspection = ModelInspection((layer,), 36_864, 36_864, 2_359_296, 2_359_296, shape)
    comparison = RepresentationComparison((name,), (name,), ((1.0,),), 256)

    assert rows(layer_table(inspection), 80)[1] == [
        *(name, "BatchNorm2d", "32x16x3x3", "32x16x16", "36,864", "2.36M", "1.000")
    ]
    assert rows(likeness_table(comparison, "cka"), 80)[1] == [name, name, "1.000", "#" * 10]


def test_numbers_stay_whole_where_names_are_too_long() -> None:
    layer = LayerInfo("block." * 30, "Linear", (10, 10), (10,), 100, 100, 100, 0.125, True)

    shown = rows(layer_table(ModelInspection((layer,), 100, 100, 100, 100, (10,))), 80)

    assert shown[1][1:] == ["Linear", "10x10", "10", "100", "100", "0.125"]
    assert len(shown[2]) == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (640, "640"), (999, "999"), (1000, "1.00k"), (42_500, "42.5k"), (99_960, "100k"), (999_499, "999k"),
     (999_500, "1.00M"), (2_359_296, "2.36M"), (9.996e9, "10.0G"), (5e15, "5000T")],
)  # fmt: skip
def test_short_counts_keep_three_digits(count: float, text: str) -> None:
    assert short_count_text(count) == text
