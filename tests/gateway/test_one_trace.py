"""One submission is one trace: from the SDK through Envoy and a service to the worker that ran the job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.collector import Collector, Span
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.ports import free_ports, listens
from tests.gateway.harness.process import Process
from tests.gateway.harness.waiting import wait_for

SERVICE = "pruning_growth"
PROGRAM = """
import palmette
with palmette.Client() as client:
    job = client.submit("dense-training", model="zoo:mlp", data="digits", recipe={"epochs": 1}).wait(timeout_s=120)
    print(job.name)
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    with Collector() as running:
        yield running


@pytest.fixture
def suite(tmp_path: Path, collector: Collector) -> Iterator[RunningGateway]:
    """A gateway in front of the real service; all of it sends its traces to the collector."""
    (port,) = free_ports(1)
    traced = {"PALMETTE_OTLP_ENDPOINT": collector.endpoint}
    settings = {
        "PALMETTE_LISTEN": f"127.0.0.1:{port}",
        "PALMETTE_DATA_DIR": str(tmp_path / "data"),
        "PALMETTE_ARTIFACT_STORE_URL": str(tmp_path / "artifacts"),
        "PALMETTE_HOME": str(tmp_path / "home"),
        **traced,
    }
    service = Process([sys.executable, "-m", f"palmette_services.{SERVICE}"], tmp_path / "service.log", settings)
    wait_for(lambda: listens(port) or not service.alive, "the service", 60)
    gateway = RunningGateway(tmp_path, {SERVICE: SimpleNamespace(address=f"127.0.0.1:{port}")}, settings=traced)
    yield gateway
    gateway.stop()
    service.stop()


def test_a_submission_is_one_trace_from_the_sdk_to_the_worker(suite: RunningGateway, collector: Collector) -> None:
    variables = {
        "PALMETTE_ENDPOINT": f"127.0.0.1:{suite.public_port}",
        "PALMETTE_TOKEN": suite.token(),
        "PALMETTE_OTLP_ENDPOINT": collector.endpoint,
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr

    submit = "palmette.v1.JobService/SubmitJob"
    sdk = collector.one(submit, "palmette-sdk")
    envoy = collector.one(f"palmette.v1.JobService.SubmitJob@{SERVICE}", "palmette-envoy")
    service = collector.one(submit, f"palmette-{SERVICE}")
    attempt = collector.one("job dense-training", f"palmette-{SERVICE}-worker")
    run = collector.one("run", f"palmette-{SERVICE}-worker")
    line = [sdk, envoy, service, attempt, run]
    assert [span.parent_id for span in line] == ["", sdk.id, envoy.id, service.id, attempt.id]
    assert {span.trace_id for span in line} == {sdk.trace_id}
    assert [span.start_ns for span in line] == sorted(span.start_ns for span in line)
    assert attempt.attributes["palmette.job"] == done.stdout.strip()
    assert _log_of(suite.folder / "service.log", "accepted")["trace_id"] == sdk.trace_id
    assert _watch_of(collector.spans).trace_id != sdk.trace_id  # a program without a trace of its own: one per call


def _log_of(path: Path, event: str) -> dict[str, str]:
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]
    (found,) = [line for line in lines if line["event"] == event]
    return found


def _watch_of(spans: list[Span]) -> Span:
    return next(span for span in spans if (span.service, span.name.split("/")[-1]) == ("palmette-sdk", "WatchJob"))
