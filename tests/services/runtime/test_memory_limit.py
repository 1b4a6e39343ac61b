"""What a job that asks for memory may take, and what becomes of one that takes more."""

from __future__ import annotations

import re

from google.rpc import code_pb2, error_details_pb2
from palmette_test_service.process import ServiceProcess, eventually

from palmette_protos.v1 import job_pb2

MB = 1_000_000


def test_job_that_takes_more_memory_than_it_asked_for_is_killed_and_told(shared_service: ServiceProcess) -> None:
    asked = job_pb2.Resources(memory_bytes=500 * MB)
    name = shared_service.submit("misbehaving", how="allocates", size_bytes=900 * MB, seconds=600, resources=asked)
    job = shared_service.wait(name)
    found = re.fullmatch(
        r"killed: memory limit 500 MB exceeded, peak ([\d.]+) MB; "
        r"ask for more in resources.memory_bytes, or use a smaller batch or model",
        job.error.message,
    )
    info = error_details_pb2.ErrorInfo()
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert job.attempt == 1  # it would only do the same again
    assert job.error.code == code_pb2.RESOURCE_EXHAUSTED
    assert job.error.details[0].Unpack(info)
    assert info.reason == "MemoryLimitExceeded"
    assert found is not None
    assert float(found[1]) > 500
    eventually(lambda: not shared_service.workers())  # its child took half


def test_memory_shared_with_other_workers_is_not_counted(shared_service: ServiceProcess) -> None:
    asked = job_pb2.Resources(memory_bytes=270 * MB)
    name = shared_service.submit("steps", steps=40, step_s=0.05, resources=asked)  # looked at many times
    eventually(lambda: shared_service.get(name).progress.fraction > 0)
    resident_bytes = shared_service.worker().memory_info().rss
    assert shared_service.wait(name).state == job_pb2.JOB_STATE_SUCCEEDED
    assert resident_bytes > asked.memory_bytes  # most of it is torch, loaded once for all


def test_job_that_asks_for_no_memory_has_no_limit(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("misbehaving", how="allocates", size_bytes=900 * MB, seconds=2)
    assert shared_service.wait(name).state == job_pb2.JOB_STATE_SUCCEEDED
