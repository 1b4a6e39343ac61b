"""Processes of a service that hang while they start: ended, told, tried again; nobody waits for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from palmette_test_service.process import ServiceProcess, eventually

from palmette_protos.v1 import job_pb2

MakeService = Callable[..., ServiceProcess]

HANGING_PLUGIN = """
[palmette.methods.testing]
hanging = palmette_hanging_plugin:Hanging
"""


@pytest.fixture
def make_hanging(make_service: MakeService, tmp_path: Path) -> MakeService:
    """Start a service whose forkserver hangs at its first start, in a module that it preloads."""

    def make(**settings: object) -> ServiceProcess:
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "hang-once").touch()
        return make_service(preload="palmette_test_plugins.hangs_once", **settings)

    return make


def submit(service: ServiceProcess, timeout_s: float) -> str:
    """Submit a job with a deadline; return its name."""
    job = job_pb2.SubmitJobRequest(parent="services/testing", job=service.job("steps", steps=1))
    return str(service.jobs.SubmitJob(job, timeout=timeout_s).job.name)


def refusal(service: ServiceProcess) -> str:
    """Return how a submission is refused before its deadline, as something to try again."""
    with pytest.raises(grpc.RpcError) as caught:
        submit(service, timeout_s=2)
    retry, status = error_details_pb2.RetryInfo(), rpc_status.from_call(caught.value)
    assert any(detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.seconds > 0
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    return str(caught.value.details())


def forkserver(service: ServiceProcess) -> psutil.Process:
    """Return the process that a service's workers are forked from."""
    children = psutil.Process(service.pid).children()
    return next(child for child in children if "multiprocessing.forkserver" in " ".join(child.cmdline()))


def test_start_that_hangs_is_told_and_the_next_submission_works(make_hanging: MakeService) -> None:
    service = make_hanging(start_timeout_s=10)
    assert "still loading torch" in refusal(service)
    job = service.wait(submit(service, timeout_s=120))
    log = service.log_path.read_text()
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 1)
    assert "it did not fork a process within 10 s" in log
    assert "in hang_once" in log  # where it hung
    frozen = forkserver(service)
    frozen.suspend()
    job = service.wait(submit(service, timeout_s=60))
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 1)
    assert not frozen.is_running()


def test_service_whose_start_hangs_still_stops(make_hanging: MakeService) -> None:
    service = make_hanging(start_timeout_s=600)
    assert "still loading torch" in refusal(service)
    assert service.terminate() == 0


def test_service_stops_while_a_job_waits_for_a_frozen_forkserver(make_service: MakeService) -> None:
    service = make_service(start_timeout_s=600)
    service.submit("steps", steps=1)
    forkserver(service).suspend()
    name = service.submit("steps", steps=1)
    eventually(lambda: service.get(name).state == job_pb2.JOB_STATE_RUNNING)
    assert service.terminate() == 0
    service.start()
    assert service.wait(name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_killed_and_restarted_service_stops_at_once_with_its_job(make_service: MakeService) -> None:
    service = make_service()
    name, gate = service.submit_held()
    service.wait_until_held(name)
    service.kill()
    service.start()
    asked_s = time.monotonic()
    assert service.terminate() == 0
    assert time.monotonic() - asked_s < 10  # it was loading torch: that alone takes longer on a busy machine
    gate.open()
    service.start()
    assert service.wait(name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_import_that_hangs_holds_up_neither_the_refusal_nor_the_stop(make_service: MakeService, tmp_path: Path) -> None:
    (tmp_path / "palmette_hanging_plugin.py").write_text("import signal\n\nsignal.pause()\n")
    described = tmp_path / "palmette_hanging_plugin-1.0.dist-info"
    described.mkdir()
    (described / "entry_points.txt").write_text(HANGING_PLUGIN)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: palmette-hanging-plugin\nVersion: 1.0\n")
    service = make_service(paths=[str(tmp_path)])
    assert "still reading its plugins" in refusal(service)
    assert service.terminate() == 0
