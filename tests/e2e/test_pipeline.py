"""`palmette run pipeline.yaml` on the real suite."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.suite import Suite

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "pipelines"
PIPELINE = """
name: end-to-end
parameters: {epochs: 1}
steps:
  dense:
    plugin: dense-training
    inputs: {model: "zoo:mlp", data: digits}
    config: {recipe.epochs: "${parameters.epochs}"}
  sparse:
    plugin: random-pruning
    inputs: {model: "${steps.dense.outputs.model}", data: digits}
    config: {density: 0.5, reinitialise: false, recipe.epochs: 1}
  serve:
    deploy: end-to-end
    artifact: ${steps.sparse.outputs.model}
"""


def test_a_chain_runs_once_and_is_found_again(suite: Suite, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(PIPELINE)

    first = suite.command("run", str(file), "--json", timeout_s=240)
    second = suite.command("run", str(file), "--json", timeout_s=60)

    assert first.code == second.code == 0, first.err
    steps = {step["name"]: step for step in first.json["steps"]}
    again = {step["name"]: step for step in second.json["steps"]}
    assert {name: step["state"] for name, step in steps.items()} == dict.fromkeys(steps, "SUCCEEDED")
    assert all(step["reused"] for step in again.values())
    assert {name: step["resource"] for name, step in again.items()} == {
        name: step["resource"] for name, step in steps.items()
    }
    lineage = suite.command("artifacts", "lineage", steps["sparse"]["outputs"]["model"][0], "--json").json
    edges = {(edge["parent"], edge["child"]) for edge in lineage["edges"]}
    assert (steps["dense"]["outputs"]["model"][0], steps["sparse"]["outputs"]["model"][0]) in edges


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_a_pipeline_that_this_suite_accepts(suite: Suite, example: Path) -> None:
    checked = suite.command("run", str(example), "--check", "--json", timeout_s=120)
    assert checked.code == 0, checked.err


def test_the_example_of_guided_training_ends_in_a_served_student(suite: Suite) -> None:
    small = ["--set", "data=digits", "--set", "epochs=1"]
    ran = suite.command("run", str(EXAMPLES / "guided-training.yaml"), *small, "--json", timeout_s=280)
    assert ran.code == 0, ran.err
    assert {step["state"] for step in ran.json["steps"]} == {"SUCCEEDED"}
    assert suite.command("deploy", "show", "better-student", "--json").json["state"] == "READY"
