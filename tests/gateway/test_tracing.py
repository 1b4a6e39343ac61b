"""Traces of Envoy and the control plane: the real Envoy takes the configuration, and spans hang together."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from pydantic import ValidationError
from tests.collector import Collector, Span
from tests.gateway.harness.certificates import Authority
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.ports import free_ports
from tests.gateway.harness.upstream import Upstream

from palmette_gateway.access.signing_key import load_or_create, public_keys
from palmette_gateway.envoy.binary import find_envoy
from palmette_gateway.envoy.configuration import Configuration, render
from palmette_gateway.envoy.validation import validate
from palmette_gateway.settings import Settings
from palmette_protos.v1 import job_pb2

ENVOY, CONTROL_PLANE = "palmette-envoy", "palmette-gateway"
TRACE, CALLER = "ab" * 16, "cd" * 8
NAMES = ("pruning_growth", "serving")
PLUGINS, WATCH = "palmette.v1.PluginService/ListPlugins", "palmette.v1.JobService/WatchJob"


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, Upstream]]:
    """Two small services."""
    running = {name: Upstream(name) for name in NAMES}
    yield running
    for upstream in running.values():
        upstream.stop()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A running collector."""
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, services: dict[str, Upstream], collector: Collector
) -> Iterator[RunningGateway]:
    """A gateway that sends its traces there."""
    settings = {"PALMETTE_OTLP_ENDPOINT": collector.endpoint}
    running = RunningGateway(tmp_path_factory.mktemp("traced"), services, settings=settings)
    yield running
    running.stop()


def rendered(tmp_path: Path, **more: object) -> Configuration:
    """Return Envoy's configuration."""
    base = {
        "gateway_listen": "127.0.0.1:50050",
        "dashboard_listen": "127.0.0.1:50049",
        "envoy_admin": "127.0.0.1:9901",
        "envoy_config_dir": tmp_path / "envoy",
        "auth_dir": tmp_path / "auth",
        "services": {"pruning_growth": "127.0.0.1:50051"},
    }
    settings = Settings.model_validate(base | more)
    return render(settings, settings.endpoints(), public_keys(load_or_create(tmp_path / "auth")), tmp_path / "trial")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4317", "http://jaeger.observability.svc:4317/"])
async def test_envoy_accepts_a_collector(tmp_path: Path, endpoint: str) -> None:
    await validate(rendered(tmp_path, otlp_endpoint=endpoint), find_envoy(None), tmp_path / "trial")


async def test_envoy_accepts_a_collector_with_tls(tmp_path: Path) -> None:
    more = {"otlp_endpoint": "https://collector.svc:4317", "upstream_tls_ca": Authority(tmp_path).certificate}
    await validate(rendered(tmp_path, **more), find_envoy(None), tmp_path / "trial")


def test_a_collector_only_adds_to_the_configuration(tmp_path: Path) -> None:
    without, traced = rendered(tmp_path), rendered(tmp_path, otlp_endpoint="http://127.0.0.1:4317", trace_percent=12.5)

    assert without.bootstrap == traced.bootstrap
    changes = {
        name: [line for line in difflib.ndiff(_lines(without, name), _lines(traced, name)) if line[:2] != "  "]
        for name in without.files
        if without.files[name] != traced.files[name]
    }
    assert changes.keys() == {"clusters.yaml", "listeners.yaml"}
    assert {line[0] for lines in changes.values() for line in lines} == {"+"}
    assert any("random_sampling: { value: 12.5 }" in line for line in changes["listeners.yaml"])
    # A collector may have no gRPC health.
    assert not any("grpc_health_check" in line for line in changes["clusters.yaml"])


def _lines(configuration: Configuration, name: str) -> list[str]:
    return configuration.files[name].decode().splitlines()


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ("127.0.0.1:4317", "is not http://host:port"),
        ("http://collector", "is not an address"),
        ("https://collector:4317", "PALMETTE_UPSTREAM_TLS_CA"),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_refused(tmp_path: Path, wrong: str, cause: str) -> None:
    with pytest.raises(ValidationError, match=cause):
        rendered(tmp_path, otlp_endpoint=wrong)


def test_a_call_through_envoy_to_one_service_stays_in_the_callers_trace(
    gateway: RunningGateway, collector: Collector, services: dict[str, Upstream]
) -> None:
    metadata = gateway.metadata(traceparent=f"00-{TRACE}-{CALLER}-01", x_palmette_service="serving")
    gateway.call("/palmette.v1.JobService/ListJobs", metadata=metadata)

    calls = services["serving"].calls_of("/palmette.v1.JobService/ListJobs")
    (call,) = [call for call in calls if TRACE in call.metadata.get("traceparent", "")]
    envoy = collector.one("palmette.v1.JobService.ListJobs@serving", ENVOY)
    assert (envoy.trace_id, envoy.parent_id) == (TRACE, CALLER)
    assert call.metadata["traceparent"].startswith(envoy.traceparent)


def test_the_control_plane_hands_a_trace_on_to_every_service(
    gateway: RunningGateway, collector: Collector, services: dict[str, Upstream]
) -> None:
    gateway.call(f"/{PLUGINS}", metadata=gateway.metadata())

    envoy = collector.one("palmette.v1.PluginService.ListPlugins", ENVOY)

    def of_control_plane(spans: list[Span]) -> list[Span] | None:
        found = [span for span in spans if (span.trace_id, span.name) == (envoy.trace_id, PLUGINS)]
        return found if len(found) == 1 + len(services) else None

    asked = collector.wait(of_control_plane)
    (server,) = [span for span in asked if span.parent_id == envoy.id]
    onward = {span.traceparent for span in asked if span.parent_id == server.id}
    received = [upstream.calls_of(f"/{PLUGINS}")[-1].metadata["traceparent"] for upstream in services.values()]
    assert {header[: len(server.traceparent)] for header in received} == onward
    assert len(onward) == len(services)


def test_what_a_page_asks_is_in_its_trace_and_what_the_dashboard_watches_in_none(
    gateway: RunningGateway, collector: Collector
) -> None:
    assert gateway.http.get("/plugins", headers=gateway.headers()).status_code == 200

    envoy = collector.one("dashboard", ENVOY)
    collector.wait(lambda spans: [span for span in spans if (span.name, span.parent_id) == (PLUGINS, envoy.id)])
    assert [span for span in collector.spans if span.service == CONTROL_PLANE and not span.parent_id] == []


def test_a_callers_mistake_is_no_error_of_the_control_plane(gateway: RunningGateway, collector: Collector) -> None:
    request = job_pb2.GetJobRequest(name="services/nowhere/jobs/1").SerializeToString()
    with pytest.raises(grpc.RpcError, match="nowhere"):
        gateway.call("/palmette.v1.JobService/GetJob", request, gateway.metadata())

    server = collector.one("palmette.v1.JobService/GetJob", CONTROL_PLANE)
    assert server.attributes["rpc.grpc.status_code"] == 5
    assert server.failed is None


def test_a_stream_that_the_control_plane_passes_on_is_traced_to_its_end(
    gateway: RunningGateway, collector: Collector, services: dict[str, Upstream]
) -> None:
    services["serving"].answers[f"/{WATCH}"] = lambda _call, _context: iter([b"", b""])
    request = job_pb2.WatchJobRequest(name="services/serving/jobs/01J00000000000000000000000").SerializeToString()
    watch = gateway.channel.unary_stream(f"/{WATCH}", _registered_method=False)
    assert len(list(watch(request, metadata=gateway.metadata(), timeout=15))) == 2

    envoy = collector.one("palmette.v1.JobService.WatchJob", ENVOY)
    server, onward = sorted(collector.wait(_two_watches), key=lambda span: span.start_ns)
    assert (server.parent_id, onward.parent_id) == (envoy.id, server.id)
    assert services["serving"].calls_of(f"/{WATCH}")[-1].metadata["traceparent"].startswith(onward.traceparent)


def _two_watches(spans: list[Span]) -> list[Span] | None:
    found = [span for span in spans if span.name == WATCH]
    return found if len(found) == 2 else None


def test_a_collector_that_is_down_costs_one_line(tmp_path: Path, services: dict[str, Upstream]) -> None:
    (port,) = free_ports(1)
    running = RunningGateway(tmp_path, services, settings={"PALMETTE_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"})
    running.call(f"/{PLUGINS}", metadata=running.metadata())
    running.stop()

    said = [line for line in running.control_plane.output.splitlines() if "no traces" in line or "Traceback" in line]
    assert len(said) == 1, running.control_plane.output
    assert f"http://127.0.0.1:{port}" in said[0]
    assert "otlp-collector" not in running.envoy.output
