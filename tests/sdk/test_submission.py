"""Submitting jobs."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette.errors import InvalidRequest, NotFound

ARTIFACT = "ab" * 32


def test_inputs_and_settings_are_told_apart_by_the_plugins_declaration(
    client: palmette.Client, suite: TinySuite
) -> None:
    job = client.submit(
        "random-pruning", model="zoo:resnet20", data="digits", density=0.1, seed=3, labels={"team": "a"}, priority=2
    )

    sent = suite.jobs.requests[0]
    assert job.name.startswith("services/pruning_growth/jobs/")
    assert {name: list(value.references) for name, value in sent.job.inputs.items()} == {
        "model": ["zoo:resnet20"],
        "data": ["digits"],
    }
    assert dict(sent.job.config) == {"density": 0.1}
    assert (sent.job.seed, dict(sent.job.labels), sent.job.priority) == (3, {"team": "a"}, 2)
    assert suite.gate.headers["x-palmette-service"] == "pruning_growth"


def test_an_unset_seed_is_left_to_the_service(client: palmette.Client, suite: TinySuite) -> None:
    client.submit("random-pruning", model="zoo:resnet20", data="digits")

    assert not suite.jobs.requests[0].job.HasField("seed")


def test_artifacts_in_any_form_become_references(client: palmette.Client, suite: TinySuite) -> None:
    name = suite.artifacts.add({"weights.safetensors": b"w"})
    artifact = client.artifacts.get(name)

    client.submit("model-averaging", models=[artifact, f"artifacts/{ARTIFACT}", f"artifact:{ARTIFACT}"], data="digits")

    sent = suite.jobs.requests[0].job.inputs["models"].references
    assert list(sent) == [artifact.reference, f"artifact:{ARTIFACT}", f"artifact:{ARTIFACT}"]


def test_numpy_numbers_and_nested_settings_travel(client: palmette.Client, suite: TinySuite) -> None:
    client.submit(
        "random-pruning",
        model="m:x",
        data="digits",
        density=np.float32(0.5),
        recipe={"epochs": 3, "milestones": (1, 2)},
    )

    sent = suite.jobs.requests[0].job.config
    assert sent["density"] == 0.5
    assert dict(sent["recipe"])["epochs"] == 3
    assert list(sent["recipe"]["milestones"]) == [1, 2]


def test_every_violation_of_the_server_is_repeated_readably(client: palmette.Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.submit("random-pruning", model="m:x", data="digits", density=-1, alpha=-2)

    assert {violation.field for violation in caught.value.violations} == {"config.density", "config.alpha"}
    assert "2 things to correct" in str(caught.value)
    assert "  config.density: must be greater than 0" in str(caught.value)


def test_values_without_a_json_form_are_refused_before_sending(client: palmette.Client, suite: TinySuite) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.submit("random-pruning", model="m:x", data="digits", density=float("nan"), hook=print)

    assert [violation.field for violation in caught.value.violations] == ["config.density", "config.hook"]
    assert suite.jobs.requests == []


def test_an_input_that_is_no_reference_is_refused(client: palmette.Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.submit("random-pruning", model=3, data="digits")

    assert caught.value.violations[0].field == "inputs.model"


def test_an_unknown_plugin_names_the_nearest_and_the_services_that_did_not_answer(client: palmette.Client) -> None:
    with pytest.raises(NotFound, match=r"did you mean 'random-pruning'.*retrieval could not be asked"):
        client.submit("random-prunning", model="m:x", data="digits")


def test_a_name_of_two_services_asks_for_the_service(client: palmette.Client, suite: TinySuite) -> None:
    with pytest.raises(InvalidRequest, match="'pruning_growth/twice' or 'nas/twice'"):
        client.submit("twice", model="m:x")

    assert client.submit("nas/twice", model="m:x").service == "nas"


def test_a_broken_connection_while_submitting_gives_one_job(client: palmette.Client, suite: TinySuite) -> None:
    client.plugins()
    suite.gate.failures["SubmitJob"] = [(grpc.StatusCode.UNAVAILABLE, "connection reset")] * 2

    job = client.submit("random-pruning", model="m:x", data="digits")

    assert suite.gate.calls.count("SubmitJob") == 3
    assert list(suite.jobs.jobs) == [job.name]


def test_the_same_request_id_gives_the_same_job(client: palmette.Client, suite: TinySuite) -> None:
    first = client.submit("random-pruning", model="m:x", data="digits", request_id="once")
    second = client.submit("random-pruning", model="m:x", data="digits", request_id="once")

    assert first.name == second.name


def test_check_stores_nothing(client: palmette.Client, suite: TinySuite) -> None:
    checked = client.check("random-pruning", model="m:x", data="digits", density=0.2)

    assert checked.config == {"density": 0.2}
    assert suite.jobs.requests[0].validate_only
    assert suite.jobs.jobs == {}


def test_listing_follows_pages_up_to_the_limit(client: palmette.Client) -> None:
    names = [client.submit("random-pruning", model="m:x", data="digits").name for _ in range(8)]

    assert [job.name for job in client.jobs(limit=None)] == names[::-1]
    assert [job.name for job in client.jobs(limit=5)] == names[::-1][:5]
    assert client.jobs(limit=5).total == 8


def test_listings_name_the_services_that_they_lack(client: palmette.Client, suite: TinySuite) -> None:
    client.submit("random-pruning", model="m:x", data="digits")
    suite.jobs.unreachable = {"nas": "it is starting"}

    plugins, jobs = client.plugins(), client.jobs()

    assert plugins.unreachable == {"retrieval": "it is starting"}
    assert jobs.unreachable == {"nas": "it is starting"}
    assert repr(jobs).endswith("; nas is missing: it is starting")
    assert isinstance(jobs[0], palmette.Job)
    with pytest.raises(NotFound, match="nas could not be asked"):
        client.job("ZZZZ")


def test_a_job_is_found_by_the_beginning_of_its_id(client: palmette.Client, suite: TinySuite) -> None:
    job = client.submit("random-pruning", model="m:x", data="digits")

    assert client.job(job.id).name == job.name
    with pytest.raises(NotFound):
        client.job("ZZZZ")
    with pytest.raises(InvalidRequest):
        client.job("../x")
