"""Traces of a service and its workers: one tree from the caller to what a job did; off unless an endpoint is set."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2
from palmette_test_service.process import ServiceProcess, free_address
from pydantic import ValidationError
from tests.collector import Collector, Span

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.observability.traces import set_up_traces
from palmette_services.runtime.settings import ServiceSettings

Make = Callable[..., ServiceProcess]
SUBMIT = "palmette.v1.JobService/SubmitJob"
SERVICE, WORKER = "palmette-testing", "palmette-testing-worker"
TRACE, CALLER = "ab" * 16, "cd" * 8


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    with Collector() as running:
        yield running


def submit_traced(service: ServiceProcess, plugin: str, **config: object) -> str:
    """Submit a job as a caller does that is in a trace; return its name."""
    request = job_pb2.SubmitJobRequest(parent="services/testing", job=service.job(plugin, **config))
    metadata = (("traceparent", f"00-{TRACE}-{CALLER}-01"),)
    return str(service.jobs.SubmitJob(request, metadata=metadata, timeout=60).job.name)


def attempts(collector: Collector, number: int) -> list[Span]:
    """Return the spans of a job's attempts, in order, once there are so many."""

    def found(spans: list[Span]) -> list[Span] | None:
        of_job = sorted((span for span in spans if span.name == "job steps"), key=lambda span: span.start_ns)
        return of_job if len(of_job) == number else None

    spans: list[Span] = collector.wait(found)
    return spans


@dataclass(frozen=True)
class Ended:
    """A service that was watched, ran two jobs for a traced caller and one for another, and has ended."""

    collector: Collector
    job: str
    log: list[bytes]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, catalogue_cache: Path) -> Iterator[Ended]:
    """Run it."""
    with Collector() as collector:
        service = ServiceProcess(tmp_path_factory.mktemp("traced"), otlp_endpoint=collector.endpoint)
        shutil.copytree(catalogue_cache, service.folder / "data" / "cache")
        try:
            service.start()
            watch = health_pb2_grpc.HealthStub(service.channel).Watch(health_pb2.HealthCheckRequest(), timeout=20)
            assert next(iter(watch)).status == health_pb2.HealthCheckResponse.SERVING
            watch.cancel()
            job = submit_traced(service, "steps", steps=1)
            service.wait(job)
            service.wait(submit_traced(service, "misbehaving", how="raises"))
            service.wait(service.submit("steps", steps=2))
            assert service.terminate() == 0  # what is still held back is sent at the end
        finally:
            service.stop()
        yield Ended(collector, job, service.log_path.read_bytes().splitlines())


def test_what_a_job_did_is_in_the_trace_of_whoever_submitted_it(ended: Ended) -> None:
    collector = ended.collector
    attempt = next(span for span in collector.spans if span.attributes.get("palmette.job") == ended.job)
    submit = next(span for span in collector.spans if span.id == attempt.parent_id)
    assert (submit.trace_id, submit.parent_id, submit.kind) == (TRACE, CALLER, trace_pb2.Span.SPAN_KIND_SERVER)
    assert (attempt.trace_id, attempt.parent_id, attempt.service) == (TRACE, submit.id, WORKER)
    assert attempt.attributes == {
        "palmette.job": ended.job,
        "palmette.plugin": "steps",
        "palmette.attempt": 1,
        "palmette.state": "SUCCEEDED",
    }
    phases = sorted((span for span in collector.spans if span.parent_id == attempt.id), key=lambda span: span.start_ns)
    assert [phase.name for phase in phases] == ["start", "run", "commit"]
    bounds = [(phase.start_ns, phase.end_ns) for phase in phases]
    assert bounds == sorted(bounds)
    assert (bounds[0][0], bounds[-1][1]) == (attempt.start_ns, attempt.end_ns)
    accepted = next(line for line in ended.log if b'"accepted"' in line)
    assert orjson.loads(accepted)["trace_id"] == TRACE


def test_a_failed_job_says_why_in_its_span(ended: Ended) -> None:
    failed = ended.collector.one("job misbehaving", WORKER)
    assert "the moon is in the wrong place" in (failed.failed or "")
    assert failed.attributes["palmette.state"] == "FAILED"


def test_a_call_without_a_trace_starts_none_but_its_job_is_a_trace_of_its_own(ended: Ended) -> None:
    submits = [span for span in ended.collector.spans if span.name == SUBMIT]
    (untraced,) = [span for span in ended.collector.spans if span.name == "job steps" and span.trace_id != TRACE]
    assert [(span.trace_id, span.parent_id) for span in submits] == [(TRACE, CALLER)] * 2
    assert untraced.parent_id == ""


def test_jobs_of_one_seed_have_spans_of_their_own(ended: Ended) -> None:
    ids = [span.id for span in ended.collector.spans]
    assert len(ids) == len(set(ids))


def test_neither_health_nor_the_workers_connection_leaves_spans(ended: Ended) -> None:
    assert {span.name for span in ended.collector.spans if span.service == SERVICE} == {SUBMIT}


def test_a_lost_worker_and_the_next_attempt_are_spans_of_their_own(make_service: Make, collector: Collector) -> None:
    service = make_service(otlp_endpoint=collector.endpoint)
    gate = service.folder / "gate"
    name = submit_traced(service, "steps", steps=12, hold_at=10, gate=str(gate))
    service.wait_until_held(name)
    service.worker().kill()
    gate.touch()
    service.wait(name)
    assert service.terminate() == 0

    submit = collector.one(SUBMIT, SERVICE)
    lost, second = attempts(collector, 2)
    assert {span.parent_id for span in (lost, second)} == {submit.id}
    assert (lost.service, lost.failed) == (SERVICE, "the worker was killed by SIGKILL")
    assert (lost.attributes["palmette.attempt"], lost.attributes["palmette.state"]) == (1, "QUEUED")
    assert (second.service, second.failed) == (WORKER, None)
    assert (second.attributes["palmette.attempt"], second.attributes["palmette.state"]) == (2, "SUCCEEDED")
    assert second.start_ns >= lost.end_ns


def test_a_collector_that_is_down_costs_one_line_in_the_log(make_service: Make) -> None:
    endpoint = f"http://{free_address()}"
    service = make_service(otlp_endpoint=endpoint)
    names = [submit_traced(service, "steps", steps=1) for _ in range(2)]
    assert {service.wait(name).state for name in names} == {job_pb2.JOB_STATE_SUCCEEDED}
    printed = [event.log.text for name in names for event in service.events(name)]
    assert service.terminate() == 0

    warnings = [line for line in service.log_path.read_text().splitlines() if '"warning"' in line or "Trace" in line]
    assert [orjson.loads(line)["event"].partition(" at ")[2].partition(";")[0] for line in warnings] == [endpoint]
    assert not any("collector" in text for text in printed)


def test_without_an_endpoint_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys, palmette_services.runtime.app, palmette_services.runtime.worker.process\n"
        "from palmette_services.runtime.observability.traces import set_up_traces\n"
        "assert not set_up_traces('testing', '').interceptors\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_extra_a_service_serves_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("attempt_spans", "call_spans", "collector"):
        monkeypatch.delitem(sys.modules, f"palmette_services.runtime.observability.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    assert set_up_traces("testing", "http://127.0.0.1:4317").endpoint == ""
    assert "pip install 'palmette-services[tracing]'" in caplog.text


def test_the_standard_variable_counts_unless_ours_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://standard:4317")
    assert ServiceSettings().otlp_endpoint == "http://standard:4317"
    monkeypatch.setenv("PALMETTE_OTLP_ENDPOINT", "")
    assert ServiceSettings().otlp_endpoint == ""


@pytest.mark.parametrize("wrong", ["localhost", "localhost:4317", "grpc://localhost:4317", "http://localhost"])
def test_an_endpoint_that_is_none_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is not http://host:port"):
        ServiceSettings(otlp_endpoint=wrong)
