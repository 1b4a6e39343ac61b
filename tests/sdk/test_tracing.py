"""Traces of a program's calls: off and free unless asked for, and part of the program's own trace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from opentelemetry import context, trace
from opentelemetry.propagate import extract
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import get_tracer
from tests.collector import Collector
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette.errors import NotFound
from palmette.launcher.ports import free_ports
from palmette.tracing.provider import CollectorExporter

PROGRAM = """
import random, sys, palmette
random.seed(7)
with palmette.Client(sys.argv[1], sys.argv[2]) as client:
    next(client.submit("random-pruning", model="zoo:resnet20", data="digits").watch())
print(sorted(name for name in sys.modules if name.split(".")[0] == "opentelemetry"))
"""


def run_program(suite: TinySuite, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that submits a job and looks at its first event."""
    command = [sys.executable, "-c", PROGRAM, suite.address, suite.token]
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=True)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    with Collector() as running:
        yield running


def test_a_program_without_opentelemetry_loads_nothing_of_it_and_sends_no_trace(suite: TinySuite) -> None:
    assert run_program(suite).stdout.strip() == "[]"
    assert "traceparent" not in suite.gate.headers


@pytest.mark.parametrize("variable", ["PALMETTE_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_with_an_endpoint_every_call_has_a_span_that_is_sent_before_the_program_ends(
    suite: TinySuite, collector: Collector, variable: str
) -> None:
    run_program(suite, **{variable: collector.endpoint})

    submit = collector.one("palmette.v1.JobService/SubmitJob", "palmette-sdk")
    assert (submit.kind, submit.parent_id, submit.failed) == (trace_pb2.Span.SPAN_KIND_CLIENT, "", None)
    assert submit.attributes == {
        "rpc.system": "grpc",
        "rpc.service": "palmette.v1.JobService",
        "rpc.method": "SubmitJob",
    }
    assert collector.one("palmette.v1.JobService/WatchJob").end_ns > submit.end_ns


def test_programs_that_seed_alike_have_traces_of_their_own(suite: TinySuite, collector: Collector) -> None:
    for _ in range(2):
        run_program(suite, PALMETTE_OTLP_ENDPOINT=collector.endpoint)

    submits = [span for span in collector.spans if span.name == "palmette.v1.JobService/SubmitJob"]
    assert len({span.trace_id for span in submits}) == len({span.id for span in submits}) == 2


def test_the_standard_variable_of_a_collector_without_grpc_is_left_alone(suite: TinySuite) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    assert run_program(suite, **variables).stdout.strip() == "[]"


def test_a_collector_that_is_down_costs_one_line(suite: TinySuite) -> None:
    (port,) = free_ports(1)
    done = run_program(suite, PALMETTE_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")

    (line,) = done.stderr.splitlines()
    assert line.startswith(f"no traces reach the OpenTelemetry collector at http://127.0.0.1:{port}; they are dropped")
    assert "UNAVAILABLE" in line


def test_without_the_extra_calls_work_and_one_line_says_what_to_install(suite: TinySuite) -> None:
    without = "import sys; sys.modules['opentelemetry'] = None\n" + PROGRAM
    command = [sys.executable, "-c", without, suite.address, suite.token]
    variables = {"PALMETTE_OTLP_ENDPOINT": "http://127.0.0.1:4317"}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=True)

    (line,) = done.stderr.splitlines()
    assert line.endswith("pip install 'palmette[tracing]'")


def test_what_is_sent_along_makes_the_servers_span_a_child_of_the_calls(suite: TinySuite, collector: Collector) -> None:
    run_program(suite, PALMETTE_OTLP_ENDPOINT=collector.endpoint)

    sent = suite.gate.headers["traceparent"]
    assert suite.gate.calls[-1] == "WatchJob"
    assert sent.startswith(collector.one("palmette.v1.JobService/WatchJob").traceparent)


@pytest.fixture
def program_tracer(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    """OpenTelemetry as a program sets it up for itself."""
    provider = TracerProvider(resource=Resource.create({"service.name": "my-program"}))
    provider.add_span_processor(SimpleSpanProcessor(CollectorExporter(collector.endpoint)))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield provider
    provider.shutdown()


def test_calls_are_part_of_the_programs_own_trace_without_any_setting(
    client: palmette.Client, suite: TinySuite, collector: Collector, program_tracer: TracerProvider
) -> None:
    with get_tracer("test").start_as_current_span("my work"):
        client.submit("random-pruning", model="zoo:resnet20", data="digits")

    mine = collector.one("my work", "my-program")
    submit = collector.one("palmette.v1.JobService/SubmitJob", "my-program")
    assert (submit.trace_id, submit.parent_id) == (mine.trace_id, mine.id)
    assert suite.gate.headers["traceparent"].startswith(submit.traceparent)


def test_a_trace_that_came_from_elsewhere_is_passed_on(client: palmette.Client, suite: TinySuite) -> None:
    came = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
    token = context.attach(extract(came))
    try:
        client.health()
    finally:
        context.detach(token)

    assert suite.gate.headers["traceparent"] == came["traceparent"]


def test_a_call_that_failed_says_so_in_its_span(
    client: palmette.Client, suite: TinySuite, collector: Collector, program_tracer: TracerProvider
) -> None:
    with pytest.raises(NotFound):
        client.job("services/pruning_growth/jobs/01J00000000000000000000000")

    failed = collector.one("palmette.v1.JobService/GetJob")
    assert failed.attributes["rpc.grpc.status_code"] == 5
    assert failed.failed


def test_uploads_and_inferences_are_traced(
    client: palmette.Client, collector: Collector, program_tracer: TracerProvider, tmp_path: Path
) -> None:
    client.infer("double", np.ones((1, 2, 3)))
    (tmp_path / "table.bin").write_bytes(b"table")
    client.artifacts.upload(tmp_path, kind="table")

    assert collector.one("inference.GRPCInferenceService/ModelInfer").failed is None
    assert collector.one("palmette.v1.ArtifactService/UploadArtifact").failed is None
