"""Crashes in the middle of a job: it resumes, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

import pytest
from tests.e2e.suite import Suite

import palmette
from palmette.types import MetricReported, StateChanged

LONG = {"model": "zoo:resnet20?width=8", "data": "digits", "seed": 11, "recipe": {"epochs": 6, "batch_size": 32}}


@pytest.fixture(scope="module")
def undisturbed(suite: Suite) -> Mapping[str, float]:
    """What the job measures when nothing disturbs it."""
    with suite.client() as client:
        return dict(client.submit("dense-training", **LONG).wait(timeout_s=180).metrics)


def start_and_wait_for_epoch(client: palmette.Client, epochs: int) -> palmette.Job:
    """Submit the job and return when it has finished that many epochs."""
    job = client.submit("dense-training", **LONG)
    seen = 0
    for event in job.watch():
        seen += isinstance(event, MetricReported) and event.name == "validation/accuracy"
        if seen == epochs:
            break
    assert not job.refresh().state.ended, "the job was over before it could be disturbed"
    return job


def assert_ended_as_undisturbed(job: palmette.Job, undisturbed: Mapping[str, float]) -> None:
    job.wait(timeout_s=180)
    events = list(job.watch())

    assert dict(job.metrics) == undisturbed
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.state for event in events if isinstance(event, StateChanged)][-1] == "SUCCEEDED"


def test_a_killed_worker(client: palmette.Client, suite: Suite, undisturbed: Mapping[str, float]) -> None:
    job = start_and_wait_for_epoch(client, 2)

    os.kill(suite.worker_pid(job), signal.SIGKILL)

    assert_ended_as_undisturbed(job, undisturbed)
    assert job.info.attempt == 2


def test_a_killed_service(client: palmette.Client, suite: Suite, undisturbed: Mapping[str, float]) -> None:
    job = start_and_wait_for_epoch(client, 2)

    wait = suite.kill("pruning_growth")
    wait()

    assert_ended_as_undisturbed(job, undisturbed)


def test_a_killed_service_with_its_worker(
    client: palmette.Client, suite: Suite, undisturbed: Mapping[str, float]
) -> None:
    job = start_and_wait_for_epoch(client, 2)

    worker = suite.worker_pid(job)
    wait = suite.kill("pruning_growth")
    os.kill(worker, signal.SIGKILL)
    wait()

    assert_ended_as_undisturbed(job, undisturbed)
    assert job.info.attempt == 2


def test_jobs_that_wait_survive_a_killed_service(client: palmette.Client, suite: Suite) -> None:
    jobs = [client.submit("counting", steps=3) for _ in range(6)]

    suite.kill("pruning_growth")()

    client.wait(jobs, timeout_s=120)
    assert {job.state for job in jobs} == {"SUCCEEDED"}
