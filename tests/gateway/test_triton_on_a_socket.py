"""Triton on a Unix domain socket: Envoy and the control plane reach it there as they reach it on a port."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.triton import PREFIX, TritonDouble
from tests.gateway.harness.upstream import Upstream
from tests.gateway.harness.waiting import wait_for

from palmette_gateway.access.roles import Role
from palmette_protos.v1 import suite_pb2, suite_pb2_grpc

INFER = f"{PREFIX}ModelInfer"


class Suite:
    """A gateway with an endpoints file, and Triton on a socket."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self.triton = TritonDouble(socket)
        self._file = folder / "endpoints.json"
        self.write(self.triton.upstream.address)
        self.gateway = RunningGateway(folder, {}, settings={"PALMETTE_ENDPOINTS_FILE": str(self._file)})

    def write(self, triton_endpoint: str) -> None:
        """Say where Triton is."""
        staged = self._file.with_suffix(".new")
        staged.write_text(json.dumps({"triton_endpoint": triton_endpoint}))
        staged.replace(self._file)

    def infers(self) -> str:
        """Infer as a viewer; return the status."""
        try:
            self.gateway.call(INFER, metadata=self.gateway.metadata(Role.VIEWER))
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    def component(self) -> suite_pb2.Component:
        """What the suite's health says of Triton."""
        stub = suite_pb2_grpc.SuiteServiceStub(self.gateway.channel)
        health = stub.GetHealth(suite_pb2.GetHealthRequest(), metadata=self.gateway.metadata(), timeout=20)
        return next(part for part in health.components if part.name == "triton")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with tempfile.TemporaryDirectory(prefix="palmette-test-") as sockets:
        running = Suite(tmp_path_factory.mktemp("on-a-socket"), Path(sockets) / "triton:1")
        yield running
        running.gateway.stop()
        running.triton.upstream.stop()


def test_inference_reaches_it_and_envoy_finds_it_healthy(suite: Suite) -> None:
    assert suite.infers() == "OK"
    assert len(suite.triton.upstream.calls_of(INFER)) == 1
    wait_for(lambda: suite.gateway.stat("cluster.triton.health_check.success") > 0, "Envoy's check of its health")
    assert suite.gateway.stat("cluster.triton.membership_healthy") == 1


def test_who_may_only_operate_loads_no_model_through_the_gateway(suite: Suite) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        suite.gateway.call(f"{PREFIX}RepositoryModelLoad", metadata=suite.gateway.metadata(Role.OPERATOR))

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert not suite.triton.upstream.calls_of(f"{PREFIX}RepositoryModelLoad")


def test_health_names_the_socket_that_does_not_answer_and_all_is_well_once_it_does(suite: Suite) -> None:
    wait_for(lambda: suite.component().state == suite_pb2.HEALTH_STATE_HEALTHY, "Triton is healthy")

    suite.triton.upstream.stop()
    wait_for(lambda: suite.component().state == suite_pb2.HEALTH_STATE_UNHEALTHY, "its silence is noticed")
    assert f"Triton does not answer at {suite.triton.upstream.address}" in suite.component().reason
    assert suite.infers() == "UNAVAILABLE"

    suite.triton.upstream.start()
    wait_for(lambda: suite.infers() == "OK", "inference goes on")
    wait_for(lambda: suite.component().state == suite_pb2.HEALTH_STATE_HEALTHY, "Triton is healthy again")


def test_it_may_move_between_a_socket_and_a_port(suite: Suite) -> None:
    on_a_port = Upstream("triton-on-a-port")
    try:
        suite.write(on_a_port.address)
        wait_for(lambda: suite.infers() == "OK" and on_a_port.calls_of(INFER), "calls reach the port")
        seen = len(suite.triton.upstream.calls_of(INFER))
        suite.write(suite.triton.upstream.address)
        wait_for(
            lambda: suite.infers() == "OK" and len(suite.triton.upstream.calls_of(INFER)) > seen,
            "calls reach the socket again",
        )
    finally:
        on_a_port.stop()
