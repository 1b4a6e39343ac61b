"""The suite's health: what is wrong, since when, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.job_book import JobBook
from tests.gateway.harness.triton import TritonDouble
from tests.gateway.harness.upstream import Upstream
from tests.gateway.harness.waiting import wait_for

from palmette_gateway.health.monitor import HealthMonitor
from palmette_gateway.health.observation import Kind, Observation, State
from palmette_gateway.health.patience import STARTING_S, Patience
from palmette_protos.v1 import suite_pb2, suite_pb2_grpc

HEALTHY, DEGRADED, UNHEALTHY = (
    suite_pb2.HEALTH_STATE_HEALTHY,
    suite_pb2.HEALTH_STATE_DEGRADED,
    suite_pb2.HEALTH_STATE_UNHEALTHY,
)


class Parts:
    """A gateway in front of one service and Triton, whose health the test sets."""

    def __init__(self, gateway: RunningGateway, service: Upstream, triton: TritonDouble) -> None:
        self.gateway, self.service, self.triton = gateway, service, triton
        self.book = JobBook(service)

    @property
    def stub(self) -> suite_pb2_grpc.SuiteServiceStub:
        """The suite's health."""
        return suite_pb2_grpc.SuiteServiceStub(self.gateway.channel)

    def health(self) -> suite_pb2.GetHealthResponse:
        """The health now."""
        return self.stub.GetHealth(suite_pb2.GetHealthRequest(), metadata=self.gateway.metadata(), timeout=20)

    def component(self, name: str) -> suite_pb2.Component | None:
        """One part, if it is there."""
        return next((part for part in self.health().components if part.name == name), None)

    def until(self, name: str, state: suite_pb2.HealthState.ValueType) -> suite_pb2.Component:
        """One part, as soon as it is in this state."""

        def found() -> suite_pb2.Component | None:
            part = self.component(name)
            return part if part is not None and part.state == state else None

        return wait_for(found, f"{name} becomes {suite_pb2.HealthState.Name(state)}")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """Start them."""
    service, triton = Upstream("pruning_growth"), TritonDouble()
    gateway = RunningGateway(tmp_path_factory.mktemp("health"), {"pruning_growth": service}, triton.upstream)
    yield Parts(gateway, service, triton)
    gateway.stop()
    service.stop()
    triton.upstream.stop()


def test_a_whole_suite_is_healthy_with_versions_and_figures(parts: Parts) -> None:
    parts.until("gateway/envoy", HEALTHY)
    parts.book.add("J1", second=1, state="QUEUED")
    parts.book.add("J2", second=2, state="RUNNING")

    health = wait_for(lambda: parts.health() if parts.component("workers/pruning_growth/J2") else None, "the worker")

    by_name = {part.name: part for part in health.components}
    assert health.state == HEALTHY
    assert by_name["gateway/envoy"].version == "1.40.0"
    assert by_name["gateway/envoy"].figures["connections"] >= 1
    assert by_name["gateway/control-plane"].kind == suite_pb2.COMPONENT_KIND_GATEWAY
    assert by_name["services/pruning_growth"].figures["jobs_running"] == 1
    assert by_name["services/pruning_growth"].figures["jobs_queued"] == 1
    assert by_name["triton"].version == "2.99"
    assert by_name["workers/pruning_growth/J2"].kind == suite_pb2.COMPONENT_KIND_WORKER
    assert not any(part.reason for part in health.components)
    assert all(part.since.seconds for part in health.components if part.kind != suite_pb2.COMPONENT_KIND_WORKER)


def test_a_service_whose_database_is_gone_is_degraded_since_then(parts: Parts) -> None:
    before = parts.until("services/pruning_growth", HEALTHY)

    parts.service.say_serving(False)
    down = parts.until("services/pruning_growth", DEGRADED)
    assert "database" in down.reason
    assert down.since.ToNanoseconds() > before.since.ToNanoseconds()
    assert parts.health().state == DEGRADED
    assert parts.health().components[0].state == DEGRADED  # the worst comes first
    assert parts.component("services/pruning_growth").since == down.since

    parts.service.say_serving(True)
    again = parts.until("services/pruning_growth", HEALTHY)
    assert again.since.ToNanoseconds() > down.since.ToNanoseconds()
    assert again.reason == ""


def test_a_service_that_served_and_is_gone_is_unhealthy(parts: Parts) -> None:
    parts.until("services/pruning_growth", HEALTHY)
    port = parts.service.port
    parts.service.stop()

    down = parts.until("services/pruning_growth", UNHEALTHY)
    assert down.reason.startswith(f"pruning_growth does not answer at 127.0.0.1:{port}")
    assert parts.health().state == UNHEALTHY

    parts.service.start(port)
    parts.until("services/pruning_growth", HEALTHY)


def test_every_model_is_reported_with_its_state(parts: Parts) -> None:
    parts.triton.models = [
        ("digits", "1", "UNAVAILABLE", "unloaded"),
        ("digits", "2", "READY", ""),
        ("broken", "1", "UNAVAILABLE", "failed to load: no such file"),
        ("slow", "1", "LOADING", ""),
        ("retired", "3", "UNAVAILABLE", "unloaded"),
        ("never-loaded", "", "", ""),
    ]
    broken = parts.until("triton/models/broken", UNHEALTHY)
    models = {part.name: part for part in parts.health().components if part.kind == suite_pb2.COMPONENT_KIND_MODEL}

    assert set(models) == {"triton/models/digits", "triton/models/broken", "triton/models/slow"}
    assert "failed to load: no such file" in broken.reason
    assert models["triton/models/digits"].version == "2"
    assert models["triton/models/digits"].figures["queue_ms"] == 1.5
    assert models["triton/models/slow"].state == DEGRADED
    assert parts.health().state == HEALTHY  # a model is not the server

    parts.triton.models = []
    wait_for(lambda: parts.component("triton/models/broken") is None, "it goes away")


def test_a_triton_that_is_not_ready_says_so(parts: Parts) -> None:
    parts.triton.ready = False
    assert "not ready" in parts.until("triton", DEGRADED).reason
    parts.triton.ready = True
    parts.until("triton", HEALTHY)


def test_a_watch_sends_the_health_at_once_and_at_every_change(parts: Parts) -> None:
    parts.until("services/pruning_growth", HEALTHY)
    stream = parts.stub.WatchHealth(suite_pb2.WatchHealthRequest(), metadata=parts.gateway.metadata(), timeout=60)

    def state(response: suite_pb2.WatchHealthResponse) -> int:
        return next(part.state for part in response.health.components if part.name == "services/pruning_growth")

    assert state(next(stream)) == HEALTHY
    parts.service.say_serving(False)
    assert any(state(response) == DEGRADED for response in stream)
    parts.service.say_serving(True)
    assert any(state(response) == HEALTHY for response in stream)
    stream.cancel()


def test_prometheus_gets_the_same(parts: Parts) -> None:
    parts.until("services/pruning_growth", HEALTHY)
    page = httpx.get(f"http://127.0.0.1:{parts.gateway.metrics_port}/metrics").text
    assert 'palmette_component_state{kind="service",name="services/pruning_growth"} 1.0' in page
    assert 'palmette_gateway_calls_total{code="OK",method="/palmette.v1.SuiteService/GetHealth"}' in page
    assert "process_resident_memory_bytes" in page
    envoy = httpx.get(f"http://127.0.0.1:{parts.gateway.admin_port}/stats/prometheus").text
    assert 'envoy_cluster_membership_healthy{envoy_cluster_name="pruning_growth"} 1' in envoy


def test_a_control_plane_that_stops_says_not_serving_ends_its_streams_and_exits_0(parts: Parts) -> None:
    stream = parts.stub.WatchHealth(suite_pb2.WatchHealthRequest(), metadata=parts.gateway.metadata(), timeout=60)
    next(stream)
    with grpc.insecure_channel(f"127.0.0.1:{parts.gateway.control_port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), metadata=parts.gateway.metadata(), timeout=60
        )
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING

        assert parts.gateway.control_plane.stop() == 0

        with pytest.raises(grpc.RpcError) as caught:
            list(stream)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert caught.value.details() == "the gateway is restarting: call again"
    assert "Traceback" not in parts.gateway.control_plane.output
    parts.gateway.start_control_plane()


class Scripted:
    """A probe that says what the test says."""

    def __init__(self) -> None:
        self.found: list[Observation] = []

    async def observe(self) -> Sequence[Observation]:
        """Say it."""
        return self.found


async def test_since_is_when_the_state_began_and_not_when_the_reason_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palmette_gateway.health.monitor.FRESH_S", 0.0)
    probe = Scripted()
    monitor = HealthMonitor([probe])

    async def observed(state: State, reason: str = "") -> Observation:
        probe.found = [Observation("services/x", Kind.SERVICE, state, reason)]
        return (await monitor.measure()).components[0]

    first = await observed(State.UNHEALTHY, "no answer")
    second = await observed(State.UNHEALTHY, "another reason")
    third = await observed(State.HEALTHY)
    assert second.since == first.since
    assert third.since is not None
    assert first.since is not None
    assert third.since > first.since


async def test_a_part_that_knows_its_own_beginning_is_believed() -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    probe = Scripted()
    probe.found = [Observation("workers/x/1", Kind.WORKER, State.HEALTHY, since=began)]
    assert (await HealthMonitor([probe]).measure()).components[0].since == began


async def test_a_probe_that_fails_is_reported_and_the_others_go_on() -> None:
    class Broken:
        async def observe(self) -> Sequence[Observation]:
            raise KeyError("version")

    probe = Scripted()
    probe.found = [Observation("services/x", Kind.SERVICE, State.HEALTHY)]
    health = await HealthMonitor([Broken(), probe]).measure()
    assert health.state is State.DEGRADED
    assert [part.name for part in health.components] == ["gateway/Broken", "services/x"]
    assert "KeyError" in health.components[0].reason


async def test_workers_and_models_do_not_decide_how_the_suite_is() -> None:
    probe = Scripted()
    probe.found = [
        Observation("workers/x/1", Kind.WORKER, State.DEGRADED, "asked to stop"),
        Observation("triton/models/x", Kind.MODEL, State.UNHEALTHY, "failed"),
        Observation("services/x", Kind.SERVICE, State.HEALTHY),
    ]
    health = await HealthMonitor([probe]).measure()
    assert health.state is State.HEALTHY
    assert [part.kind for part in health.components] == [Kind.MODEL, Kind.WORKER, Kind.SERVICE]


def test_who_has_never_answered_is_starting_for_a_while_and_then_down(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("palmette_gateway.health.patience.time.monotonic", lambda: now[0])
    patience = Patience()
    assert patience.silent("x", "no answer") == (State.DEGRADED, "starting: no answer")
    now[0] += STARTING_S + 1
    assert patience.silent("x", "no answer") == (State.UNHEALTHY, "no answer")


def test_who_has_answered_once_is_down_at_once() -> None:
    patience = Patience()
    patience.answered("x")
    assert patience.silent("x", "no answer") == (State.UNHEALTHY, "no answer")
