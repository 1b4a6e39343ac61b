"""The suite changes behind a running Envoy, and parts of it fail."""

from __future__ import annotations

import json
import queue
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.ports import free_ports, listens
from tests.gateway.harness.process import start_gateway
from tests.gateway.harness.upstream import Call, Upstream
from tests.gateway.harness.waiting import wait_for

from palmette_protos.v1 import job_pb2

WATCH = "/palmette.v1.JobService/WatchJob"
INSPECT = "/palmette.pruning_growth.v1.PruningGrowthService/InspectModel"
RELOADED = "listener_manager.lds.update_success"


class Suite:
    """A gateway whose endpoints file the test writes."""

    def __init__(self, folder: Path) -> None:
        self.before, self.after = Upstream("before"), Upstream("after")
        self.file = folder / "endpoints.json"
        self.write(self.before)
        self.gateway = RunningGateway(folder, {}, settings={"PALMETTE_ENDPOINTS_FILE": str(self.file)})

    def write(self, upstream: Upstream) -> None:
        """Say that `upstream` is the service."""
        staged = self.file.with_suffix(".new")
        staged.write_text(json.dumps({"services": {"pruning_growth": upstream.address}}))
        staged.replace(self.file)

    def answers(self) -> str:
        """Who answers a call now, or why nobody does."""
        seen = len(self.before.calls_of(INSPECT)), len(self.after.calls_of(INSPECT))
        try:
            self.gateway.call(INSPECT, metadata=self.gateway.metadata())
        except grpc.RpcError as error:
            return str(error.details())
        return "before" if len(self.before.calls_of(INSPECT)) > seen[0] else "after"

    def restore(self) -> None:
        """Bring back what a test ended, and the first endpoints."""
        for upstream in (self.before, self.after):
            upstream.answers.clear()
        if not self.gateway.control_plane.alive:
            self.gateway.start_control_plane()
        if not self.gateway.envoy.alive:
            self.gateway.start_envoy()
        self.write(self.before)
        wait_for(lambda: self.answers() == "before", "the suite as it was")

    def stop(self) -> None:
        """End everything."""
        self.gateway.stop()
        self.before.stop()
        self.after.stop()


@pytest.fixture(scope="module")
def shared_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """One for all these tests."""
    running = Suite(tmp_path_factory.mktemp("suite"))
    yield running
    running.stop()


@pytest.fixture
def suite(shared_suite: Suite) -> Iterator[Suite]:
    """It is whole again after each test."""
    yield shared_suite
    shared_suite.restore()


def _endless(events: queue.Queue[int]) -> Callable[[Call, grpc.ServicerContext], Iterator[job_pb2.WatchJobResponse]]:
    def watch(_call: Call, context: grpc.ServicerContext) -> Iterator[job_pb2.WatchJobResponse]:
        while context.is_active():
            try:
                sequence = events.get(timeout=0.1)
            except queue.Empty:
                continue
            yield job_pb2.WatchJobResponse(event=job_pb2.JobEvent(sequence=sequence))

    return watch


@pytest.mark.parametrize("through", ["envoy", "control plane"])
def test_new_calls_follow_the_endpoints_and_a_stream_lives_on(suite: Suite, through: str) -> None:
    events: queue.Queue[int] = queue.Queue()
    suite.before.answers[WATCH] = _endless(events)
    header = {"x_palmette_service": "pruning_growth"} if through == "envoy" else {}
    request = job_pb2.WatchJobRequest(name="services/pruning_growth/jobs/a").SerializeToString()
    stream = suite.gateway.channel.unary_stream(WATCH, response_deserializer=job_pb2.WatchJobResponse.FromString)(
        request, metadata=suite.gateway.metadata(**header), timeout=60
    )
    events.put(1)
    assert next(stream).event.sequence == 1
    pid = suite.gateway.envoy.pid

    suite.write(suite.after)
    wait_for(lambda: suite.answers() == "after", "the new endpoint answers")

    events.put(2)
    assert next(stream).event.sequence == 2
    assert suite.gateway.envoy.pid == pid
    assert suite.gateway.envoy.alive
    stream.cancel()


def test_a_new_listener_configuration_drops_no_stream_either(suite: Suite, tmp_path: Path) -> None:
    """The control plane starts again with another limit, so that the listener itself is replaced."""
    events: queue.Queue[int] = queue.Queue()
    suite.before.answers[WATCH] = _endless(events)
    metadata = suite.gateway.metadata(x_palmette_service="pruning_growth")
    stream = suite.gateway.channel.unary_stream(WATCH, response_deserializer=job_pb2.WatchJobResponse.FromString)(
        b"", metadata=metadata, timeout=60
    )
    events.put(1)
    assert next(stream).event.sequence == 1
    reloads = suite.gateway.stat(RELOADED)

    assert suite.gateway.control_plane.stop() == 0
    suite.gateway.environment["PALMETTE_MAX_MESSAGE_BYTES"] = str(2 << 20)
    suite.gateway.start_control_plane()
    wait_for(lambda: suite.gateway.stat(RELOADED) > reloads, "Envoy takes the new listener")

    events.put(2)
    assert next(stream).event.sequence == 2
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{suite.gateway.public_port}", options=options) as fresh:
        inspect = fresh.unary_unary(INSPECT)
        with pytest.raises(grpc.RpcError) as caught:
            inspect(bytes(3 << 20), metadata=metadata, timeout=10)
    assert "2 MiB" in caught.value.details()
    stream.cancel()


def test_a_wrong_endpoints_file_changes_nothing_and_is_reported(suite: Suite) -> None:
    before = (suite.gateway.folder / "envoy" / "current").readlink()
    suite.file.write_text('{"services": {"pruning_growth": "nowhere"}}')

    component = wait_for(lambda: _degraded(suite, "gateway/control-plane"), "the report")

    assert "endpoints.json" in component["reason"]
    assert "nowhere" in component["reason"]
    assert "port" in component["reason"]
    assert suite.answers() == "before"
    assert (suite.gateway.folder / "envoy" / "current").readlink() == before

    suite.write(suite.after)
    wait_for(lambda: _degraded(suite, "gateway/control-plane") is None, "the report is withdrawn")
    assert suite.answers() == "after"


def test_an_update_that_envoy_refuses_is_reported_until_it_takes_one(suite: Suite) -> None:
    wait_for(lambda: _degraded(suite, "gateway/envoy") is None, "Envoy is healthy")
    current = suite.gateway.folder / "envoy" / "current"
    bad = current.parent / "versions" / "bad"
    shutil.copytree(current.resolve(), bad)
    routes = bad / "routes.yaml"
    routes.write_text(routes.read_text().replace('prefix: "/v1/"', "prefix: 7"))
    good = current.readlink()

    _point(current, bad.relative_to(current.parent))
    component = wait_for(lambda: _degraded(suite, "gateway/envoy"), "the report")
    assert "refused its newest routes" in component["reason"]
    assert suite.answers() == "before"

    _point(current, good)
    suite.write(suite.after)
    wait_for(lambda: suite.answers() == "after", "Envoy takes the next")
    wait_for(lambda: _degraded(suite, "gateway/envoy") is None, "the report is withdrawn")


def test_an_envoy_that_was_killed_serves_again_after_a_start(suite: Suite) -> None:
    assert suite.answers() == "before"
    suite.gateway.envoy.stop(signal.SIGKILL)
    assert not listens(suite.gateway.public_port)

    suite.gateway.start_envoy()

    wait_for(lambda: suite.answers() == "before", "calls pass again")


def test_inference_goes_on_while_the_control_plane_is_down(suite: Suite) -> None:
    suite.gateway.control_plane.stop(signal.SIGKILL)

    assert suite.answers() == "before"
    response = suite.gateway.http.get("/v1/health", headers=suite.gateway.headers())
    assert response.status_code == 503
    assert "'control_plane' does not answer" in response.json()["message"]
    assert "palmette status" in response.json()["message"]

    suite.gateway.start_control_plane()
    wait_for(
        lambda: suite.gateway.http.get("/v1/health", headers=suite.gateway.headers()).status_code == 200, "it is back"
    )


def test_a_service_that_restarts_is_reached_again_without_a_change(suite: Suite) -> None:
    port = suite.before.port
    suite.before.stop()
    assert "'pruning_growth' does not answer" in suite.answers()

    suite.before.start(port)

    wait_for(lambda: suite.answers() == "before", "it answers again")


def test_a_service_that_is_not_configured_says_so(suite: Suite) -> None:
    response = suite.gateway.http.get("/v1/artifacts", headers=suite.gateway.headers())
    assert response.status_code == 503
    assert response.json()["message"] == "this suite has no 'serving': it is not among the gateway's endpoints"


def test_a_second_gateway_on_the_same_ports_says_which_and_leaves_the_first_alone(suite: Suite, tmp_path: Path) -> None:
    second = start_gateway(
        suite.gateway.environment
        | {"PALMETTE_ENVOY_CONFIG_DIR": str(tmp_path / "second"), "PALMETTE_METRICS_LISTEN": ""},
        tmp_path / "second.log",
    )
    wait_for(lambda: not second.alive, "it gives up", 60)
    assert second.stop() == 1
    assert "PALMETTE_DASHBOARD_LISTEN" in second.output
    assert "Address already in use" in second.output
    assert "Traceback" not in second.output
    assert suite.answers() == "before"


def test_a_taken_control_port_is_named(tmp_path: Path) -> None:
    holder = Upstream("holder")
    control, dashboard, public, admin = holder.port, *free_ports(3)
    process = start_gateway(
        {
            "PALMETTE_GATEWAY_LISTEN": f"127.0.0.1:{control}",
            "PALMETTE_DASHBOARD_LISTEN": f"127.0.0.1:{dashboard}",
            "PALMETTE_ENVOY_LISTEN": f"127.0.0.1:{public}",
            "PALMETTE_ENVOY_ADMIN": f"127.0.0.1:{admin}",
            "PALMETTE_ENVOY_CONFIG_DIR": str(tmp_path / "envoy"),
            "PALMETTE_AUTH_DIR": str(tmp_path / "auth"),
        },
        tmp_path / "log",
    )
    wait_for(lambda: not process.alive, "it gives up", 60)
    assert process.stop() == 1
    assert f"cannot listen on 127.0.0.1:{control} (PALMETTE_GATEWAY_LISTEN)" in process.output
    holder.stop()


def _point(link: Path, target: Path) -> None:
    staged = link.with_name(".moved")
    staged.symlink_to(target)
    staged.replace(link)


def _degraded(suite: Suite, name: str) -> dict[str, str] | None:
    health = suite.gateway.http.get("/v1/health", headers=suite.gateway.headers()).json()
    (component,) = [part for part in health["components"] if part["name"] == name]
    return component if component["state"] == "HEALTH_STATE_DEGRADED" else None
