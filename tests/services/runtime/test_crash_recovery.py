"""What survives ``kill -9``: of the worker, of the service, of both."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from palmette_test_service.process import ServiceProcess, eventually, last

from palmette_protos.v1 import job_pb2

MakeService = Callable[..., ServiceProcess]


@pytest.fixture(scope="session")
def undisturbed(shared_service: ServiceProcess) -> job_pb2.Job:
    """The job that nobody disturbed."""
    return shared_service.wait(shared_service.submit("steps", steps=30))


def kill_worker(service: ServiceProcess) -> None:
    """Kill the one worker."""
    os.kill(service.worker().pid, signal.SIGKILL)


def kill_service(service: ServiceProcess) -> None:
    """Kill the service and start it again; its worker lives on."""
    service.kill()
    service.start()


def kill_both(service: ServiceProcess) -> None:
    """Kill both and start the service again."""
    worker = service.worker()
    service.kill()
    os.kill(worker.pid, signal.SIGKILL)
    service.start()


@pytest.mark.parametrize(("disturb", "attempts"), [(kill_worker, 2), (kill_service, 1), (kill_both, 2)])
def test_job_resumes_and_ends_with_the_metrics_of_an_undisturbed_run(
    make_service: MakeService,
    undisturbed: job_pb2.Job,
    tmp_path: Path,
    disturb: Callable[[ServiceProcess], None],
    attempts: int,
) -> None:
    service = make_service()
    starts = tmp_path / "starts"
    name, gate = service.submit_held(touch=str(starts))
    service.wait_until_held(name)
    disturb(service)
    gate.open()
    job = service.wait(name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert job.metrics["final_position"] == undisturbed.metrics["final_position"]
    assert job.attempt == attempts
    assert len(starts.read_text().splitlines()) == attempts
    assert len(job.outputs["report"].names) == 1
    assert_history_is_whole(service.events(name), job)


def assert_history_is_whole(events: list[job_pb2.JobEvent], job: job_pb2.Job) -> None:
    """Every event once, in order, and the steps of each attempt as they were walked."""
    assert [event.sequence for event in events] == list(range(1, job.last_sequence + 1))
    for attempt in range(1, job.attempt + 1):
        steps = [e.metric.step for e in events if e.attempt == attempt and e.metric.name == "position"]
        assert steps == list(range(steps[0], steps[0] + len(steps)))
    assert last(events, "metric").name == "final_position"
    assert events[-1].state.state == job.state


def test_worker_ends_itself_when_its_service_stays_away(make_service: MakeService) -> None:
    service = make_service(lease_s=1)
    name = service.submit("misbehaving", how="ignores_cancel", seconds=600)
    worker = eventually(service.workers)[0]
    eventually(lambda: "started_s" in service.get(name).metrics)
    service.kill()
    eventually(lambda: not worker.is_running(), within_s=30, what="end of the worker without a lease")
    service.start()
    assert eventually(lambda: service.get(name).attempt == 2)


def test_attempts_never_overlap_when_a_worker_was_only_frozen(make_service: MakeService, tmp_path: Path) -> None:
    service = make_service(lease_s=1)
    starts = tmp_path / "starts"
    name, gate = service.submit_held(touch=str(starts))
    service.wait_until_held(name)
    frozen = service.worker()
    frozen.suspend()
    eventually(lambda: service.get(name).attempt == 2, what="second attempt")
    gate.open()
    assert not frozen.is_running()  # it was made sure of before the job was given away
    job = service.wait(name)
    reasons = [event.state.reason for event in service.events(name) if event.WhichOneof("event") == "state"]
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert "the worker did not answer for 1 s; trying again (attempt 2 of 3)" in reasons
    assert len(starts.read_text().splitlines()) == 2


def test_job_fails_with_a_clear_error_after_three_crashes(shared_service: ServiceProcess) -> None:
    job = shared_service.wait(shared_service.submit("misbehaving", how="kills_itself"))
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert job.attempt == 3
    assert job.error.message.startswith("the worker was killed by SIGKILL (3 attempts); if nobody killed it")
    retried = shared_service.jobs.RetryJob(job_pb2.RetryJobRequest(name=job.name)).job
    assert retried.state == job_pb2.JOB_STATE_QUEUED
    assert not retried.error.message
    assert shared_service.wait(job.name).attempt == 6  # a person's retry counts crashes from the start


def test_accepted_jobs_survive_killing_the_service_over_and_over(make_service: MakeService) -> None:
    service = make_service(slots=2)
    held = [service.submit_held() for _ in range(4)]
    names = [name for name, _ in held]
    service.kill()  # right after the answer
    service.start()
    eventually(lambda: sum(service.get(name).progress.message == "waiting" for name in names) == 2)
    service.kill()
    service.start()
    for _, gate in held:
        gate.open()
    jobs = [service.wait(name) for name in names]
    assert all(job.state == job_pb2.JOB_STATE_SUCCEEDED for job in jobs)
    assert len({job.metrics["final_position"] for job in jobs}) == 1
