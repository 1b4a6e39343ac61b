"""Watching and waiting for jobs."""

from __future__ import annotations

import os
import signal
import threading

import grpc
import pytest
from tests.sdk.deadlines import wait_until
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette.errors import FailedPrecondition, JobCancelled, JobFailed, NotFound
from palmette.types import JobState, MetricReported, StateChanged
from palmette_protos.v1 import job_pb2

RUNNING = job_pb2.JOB_STATE_RUNNING


@pytest.fixture
def job(client: palmette.Client) -> palmette.Job:
    return client.submit("random-pruning", model="m:x", data="digits")


def run_to_the_end(suite: TinySuite, name: str, metrics: int) -> None:
    suite.jobs.set_state(name, RUNNING)
    for step in range(metrics):
        suite.jobs.append(name, metric=job_pb2.Metric(name="train/loss", value=1.0 / (step + 1), step=step))
    suite.jobs.succeed(name, model="artifacts/" + "c" * 64)


def test_events_come_typed_and_in_order(job: palmette.Job, suite: TinySuite) -> None:
    run_to_the_end(suite, job.name, metrics=3)

    events = list(job.watch())

    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.value for event in events if isinstance(event, MetricReported)] == [1.0, 0.5, 1 / 3]
    assert isinstance(events[-1], StateChanged)
    assert events[-1].state is JobState.SUCCEEDED
    assert job.state is JobState.SUCCEEDED
    assert job.outputs["model"] == "artifacts/" + "c" * 64
    assert job.metrics == {"train/loss": pytest.approx(1 / 3)}


def test_a_watch_survives_broken_connections_without_gap_or_repetition(job: palmette.Job, suite: TinySuite) -> None:
    suite.jobs.break_after = 2
    run_to_the_end(suite, job.name, metrics=5)

    sequences = [event.sequence for event in job.watch()]

    assert sequences == list(range(1, 9))
    assert suite.jobs.watches == [0, 2, 4, 6]


def test_a_watch_survives_a_restart_of_the_server(job: palmette.Job, suite: TinySuite) -> None:
    events = job.watch()
    suite.jobs.set_state(job.name, RUNNING)
    seen = [next(events).sequence, next(events).sequence]
    suite.stop()
    suite.start()
    suite.jobs.succeed(job.name)

    seen += [event.sequence for event in events]

    assert seen == [1, 2, 3]


def test_an_end_state_in_the_middle_of_the_history_does_not_end_the_watch(job: palmette.Job, suite: TinySuite) -> None:
    suite.jobs.fail(job.name, "boom", "ValueError", "")
    job.refresh()
    job.retry()
    run_to_the_end(suite, job.name, metrics=0)

    states = [event.state for event in job.watch() if isinstance(event, StateChanged)]

    assert states == ["QUEUED", "FAILED", "QUEUED", "RUNNING", "SUCCEEDED"]


def test_a_watch_may_be_left_early(job: palmette.Job, suite: TinySuite) -> None:
    events = job.watch()

    first = next(events)
    events.close()  # type: ignore[attr-defined]

    assert first.sequence == 1
    assert job.refresh().state is JobState.QUEUED


def test_waiting_returns_the_job_with_its_results(job: palmette.Job, suite: TinySuite) -> None:
    ending = threading.Thread(target=run_to_the_end, args=(suite, job.name, 2))
    ending.start()

    done = job.wait(timeout_s=20)
    ending.join()

    assert done is job
    assert done.state is JobState.SUCCEEDED


def test_a_failed_job_raises_its_cause_class_and_log(job: palmette.Job, suite: TinySuite) -> None:
    suite.jobs.fail(job.name, "the learning rate exploded at step 3", "FloatingPointError", "step 2\nstep 3")

    with pytest.raises(JobFailed) as caught:
        job.wait(timeout_s=20)

    assert caught.value.failure.cause == "the learning rate exploded at step 3"
    assert caught.value.failure.exception_class == "FloatingPointError"
    assert caught.value.failure.log_tail == ("step 2", "step 3")
    assert "Traceback" not in str(caught.value)
    assert "FloatingPointError: the learning rate" in str(caught.value)


def test_a_cancelled_job_raises_that_it_was(job: palmette.Job) -> None:
    job.cancel("not needed")

    with pytest.raises(JobCancelled):
        job.wait(timeout_s=20)


def test_waiting_no_longer_than_asked(job: palmette.Job) -> None:
    with pytest.raises(TimeoutError):
        job.wait(timeout_s=0.2)

    assert job.refresh().state is JobState.QUEUED


def test_progress_bars_show_title_progress_and_end(
    client: palmette.Client, suite: TinySuite, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = [client.submit("random-pruning", model="m:x", data="digits") for _ in range(2)]
    for each in jobs:
        progress = job_pb2.Progress(fraction=0.5, message="epoch 1 of 2")
        suite.jobs.set_state(each.name, RUNNING)
        suite.jobs.append(each.name, progress=progress)
        run_to_the_end(suite, each.name, metrics=1)

    client.wait(jobs, progress=True, timeout_s=20)

    printed = capsys.readouterr().out
    assert printed.count("random-pruning") >= 2
    assert "100%" in printed
    assert "done train/loss 1" in printed


def test_waiting_for_several_raises_when_all_have_ended(client: palmette.Client, suite: TinySuite) -> None:
    good, bad = (client.submit("random-pruning", model="m:x", data="digits") for _ in range(2))
    suite.jobs.fail(bad.name, "boom", "ValueError", "")
    ending = threading.Thread(target=run_to_the_end, args=(suite, good.name, 1))
    ending.start()

    with pytest.raises(JobFailed, match="boom"):
        client.wait([bad, good], timeout_s=20)
    ending.join()

    assert good.state is JobState.SUCCEEDED


def test_an_interrupt_stops_waiting_and_leaves_the_job(
    client: palmette.Client, job: palmette.Job, suite: TinySuite
) -> None:
    def interrupt() -> None:
        wait_until(lambda: suite.jobs.watches, what="the watch")
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        job.wait(timeout_s=30)
    interrupting.join()

    assert job.refresh().state is JobState.QUEUED


def test_retrying_a_job_that_runs_is_refused(job: palmette.Job) -> None:
    with pytest.raises(FailedPrecondition, match="only a failed or cancelled"):
        job.retry()


def test_a_deleted_job_is_gone(client: palmette.Client, job: palmette.Job) -> None:
    job.cancel()
    job.delete()

    with pytest.raises(NotFound):
        client.job(job.name)


def test_a_stream_that_is_refused_is_not_tried_again(job: palmette.Job, suite: TinySuite) -> None:
    suite.gate.failures["WatchJob"] = [(grpc.StatusCode.PERMISSION_DENIED, "RBAC: access denied")]

    with pytest.raises(palmette.PermissionDenied, match="whoami"):
        list(job.watch())

    assert suite.gate.calls.count("WatchJob") == 1
