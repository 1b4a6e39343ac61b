"""Pipelines: what they run, and what they do not run again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sdk.deadlines import wait_until
from tests.sdk.tiny_suite import TinySuite

from palmette import aio
from palmette.errors import InvalidRequest
from palmette.nested import parse_settings, unflatten
from palmette.pipelines import StepOutcome, check_pipeline, load_pipeline, run_pipeline
from palmette_protos.v1 import job_pb2

TEXT = """
name: prune-and-serve
parameters: {data: digits}
steps:
  serve:
    deploy: digits
    artifact: ${steps.average.outputs.model}
  one:
    plugin: random-pruning
    inputs: {model: "zoo:mlp", data: "${parameters.data}?limit=10"}
    config: {density: 0.5, recipe.epochs: 2}
  two:
    plugin: random-pruning
    inputs: {model: "zoo:mlp", data: "${parameters.data}"}
    seed: 7
  average:
    plugin: model-averaging
    inputs:
      models: ["${steps.one.outputs.model}", "${steps.two.outputs.model}"]
      data: ${parameters.data}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def worker(suite: TinySuite) -> Iterator[dict[str, bool]]:
    """Ends every job that arrives: well, or badly while ``fail`` is set."""
    behaviour = {"fail": False, "stop": False}

    def work() -> None:
        while not behaviour["stop"]:
            for name, job in list(suite.jobs.jobs.items()):
                if job.state == job_pb2.JOB_STATE_QUEUED and behaviour["fail"]:
                    suite.jobs.fail(name, "no luck", "RuntimeError", "")
                elif job.state == job_pb2.JOB_STATE_QUEUED:
                    suite.jobs.succeed(name, model=suite.artifacts.add({"w": name.encode()}))
            threading.Event().wait(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    yield behaviour
    behaviour["stop"] = True
    thread.join()


async def run(suite: TinySuite, file: Path, **parameters: str) -> dict[str, StepOutcome]:
    async with aio.Client(suite.address, suite.token) as client:
        outcomes = await run_pipeline(client, load_pipeline(file, parameters))
    return {outcome.name: outcome for outcome in outcomes}


async def check(suite: TinySuite, file: Path) -> None:
    async with aio.Client(suite.address, suite.token) as client:
        await check_pipeline(client, load_pipeline(file))


@pytest.fixture
def wrong_file(file: Path) -> Path:
    wrong = TEXT.replace("density: 0.5", "density: -1").replace("model-averaging", "model-averagin")
    file.write_text(wrong.replace("seed: 7", "config: {density: -2}"))
    return file


def test_an_unknown_parameter_is_answered_with_those_there_are(file: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"parameters\.dat: is no parameter of this pipeline; it has: data$"):
        load_pipeline(file, {"dat": "digits"})


async def test_a_check_finds_what_is_wrong_with_every_step_and_runs_none(suite: TinySuite, wrong_file: Path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await check(suite, wrong_file)

    found = {violation.field: violation.description for violation in refused.value.violations}
    assert set(found) == {"steps.one.config.density", "steps.two.config.density", "steps.average.plugin"}
    assert "did you mean 'model-averaging'" in found["steps.average.plugin"]
    assert suite.jobs.jobs == {}


async def test_a_check_leaves_out_what_other_steps_have_yet_to_make(suite: TinySuite, file: Path) -> None:
    await check(suite, file)

    assert [request.validate_only for request in suite.jobs.requests] == [True, True, True]
    average = next(request.job for request in suite.jobs.requests if request.job.plugin == "model-averaging")
    assert set(average.inputs) == {"data"}


async def test_later_steps_use_earlier_outputs(suite: TinySuite, file: Path, worker: dict[str, bool]) -> None:
    outcomes = await run(suite, file)

    assert {name: outcome.state for name, outcome in outcomes.items()} == dict.fromkeys(outcomes, "SUCCEEDED")
    assert list(outcomes) == ["serve", "one", "two", "average"]
    average = suite.jobs.jobs[outcomes["average"].resource]
    members = [f"artifact:{outcomes[name].outputs['model'][0].removeprefix('artifacts/')}" for name in ("one", "two")]
    assert list(average.inputs["models"].references) == members
    one = suite.jobs.jobs[outcomes["one"].resource]
    assert list(one.inputs["data"].references) == ["digits?limit=10"]
    assert dict(one.config["recipe"]) == {"epochs": 2}
    assert one.parent == "prune-and-serve"
    assert suite.deployments.deployments["deployments/digits"].serving_version == 1


async def test_a_second_run_does_nothing_twice(suite: TinySuite, file: Path, worker: dict[str, bool]) -> None:
    first = await run(suite, file)
    second = await run(suite, file)

    assert {name: outcome.resource for name, outcome in second.items()} == {
        name: outcome.resource for name, outcome in first.items()
    }
    assert all(outcome.reused for outcome in second.values())
    assert len(suite.jobs.jobs) == 3
    assert len(suite.deployments.deployments["deployments/digits"].versions) == 1


async def test_a_changed_step_and_what_depends_on_it_run_anew(
    suite: TinySuite, file: Path, worker: dict[str, bool]
) -> None:
    changed = file.with_name("changed.yaml")
    await asyncio.to_thread(changed.write_text, TEXT.replace("density: 0.5", "density: 0.25"))
    await run(suite, file)

    outcomes = await run(suite, changed)

    assert {name: outcome.reused for name, outcome in outcomes.items()} == {
        "serve": False,
        "one": False,
        "two": True,
        "average": False,
    }


async def test_failed_steps_are_retried_by_the_next_run(suite: TinySuite, file: Path, worker: dict[str, bool]) -> None:
    worker["fail"] = True
    failed = await run(suite, file)
    worker["fail"] = False

    outcomes = await run(suite, file)

    assert {name: outcome.state for name, outcome in failed.items()} == {
        "serve": "SKIPPED",
        "one": "FAILED",
        "two": "FAILED",
        "average": "SKIPPED",
    }
    assert "no luck" in failed["one"].error
    assert all(outcome.state == "SUCCEEDED" for outcome in outcomes.values())
    assert outcomes["one"].resource == failed["one"].resource


async def test_a_run_that_was_interrupted_waits_for_what_it_had_started(
    suite: TinySuite, file: Path, request: pytest.FixtureRequest
) -> None:
    interrupted = asyncio.create_task(run(suite, file))
    await asyncio.to_thread(wait_until, lambda: len(suite.jobs.watches) == 2)
    interrupted.cancel()
    await asyncio.gather(interrupted, return_exceptions=True)
    started = set(suite.jobs.jobs)

    request.getfixturevalue("worker")
    outcomes = await run(suite, file)

    assert {outcomes["one"].resource, outcomes["two"].resource} == started


def test_everything_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "name: Wrong\nsteps:\n  one: {plugin: a, seeed: 1}\n  two: {deploy: x, artifact: y, instances: -1}\n"
    )

    with pytest.raises(InvalidRequest) as caught:
        load_pipeline(path)

    assert [violation.field for violation in caught.value.violations] == [
        "name",
        "steps.one.seeed",
        "steps.two.instances",
    ]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("${steps.nowhere.outputs.model}", "no such job step"),
        ("${parameters.nothing}", "is no parameter"),
        ("${nonsense}", r"write \$\{steps"),
        ("${steps.one.outputs.model}", "wait for each other: one"),
    ],
)
def test_references_that_lead_nowhere_are_refused(tmp_path: Path, inputs: str, message: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(f"name: wrong\nsteps:\n  one:\n    plugin: a\n    inputs: {{model: '{inputs}'}}\n")

    with pytest.raises(InvalidRequest, match=message):
        load_pipeline(path)


def test_a_parameter_that_the_pipeline_has_not_is_refused(file: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"parameters\.dataa"):
        load_pipeline(file, {"dataa": "digits"})


def test_settings_are_what_they_look_like() -> None:
    values = parse_settings(
        ["density=0.1", "recipe.epochs=3", "recipe.rate=1e-3", "rule=erk", "milestones=[1, 2]", "nesterov=true"],
        "--set",
    )

    assert unflatten(values) == {
        "density": 0.1,
        "recipe": {"epochs": 3, "rate": 0.001},
        "rule": "erk",
        "milestones": [1, 2],
        "nesterov": True,
    }
    with pytest.raises(InvalidRequest, match="NAME=VALUE"):
        parse_settings(["density"], "--set")
