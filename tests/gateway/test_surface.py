"""What can be seen of the suite from outside, and what cannot."""

from __future__ import annotations

import grpc
import httpx
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tests.gateway.conftest import Front
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.waiting import wait_for

from palmette_gateway.access.destinations import SERVICE_HEADER
from palmette_gateway.access.rules import RULES


@pytest.mark.parametrize(
    "path", ["/palmette.worker.v1.WorkerService/Run", "/palmette.v1.JobService/Nonsense", "/some.Other/Method"]
)
def test_an_unknown_method_is_unimplemented_in_words(front: Front, path: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call(path, metadata=front.gateway.metadata())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert f"no method {path}" in caught.value.details()
    assert not any(upstream.calls_of(path) for upstream in front.everything)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_the_whole_api(gateway: RunningGateway, version: str) -> None:
    call = gateway.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
    (answer,) = call(iter(asked), metadata=gateway.metadata(), timeout=10)
    listed = {service.name for service in answer.list_services_response.service}
    assert listed == RULES.keys() - {"grpc.reflection.v1.ServerReflection"}


@pytest.mark.parametrize("symbol", ["palmette.serving.v1.DeploymentService", "inference.GRPCInferenceService"])
def test_reflection_describes_services_wherever_they_run(gateway: RunningGateway, symbol: str) -> None:
    channel = grpc.intercept_channel(gateway.channel, _WithToken(gateway))
    database = ProtoReflectionDescriptorDatabase(channel)
    service = DescriptorPool(database).FindServiceByName(symbol)
    assert service.methods


def test_reflection_does_not_describe_the_workers_protocol(gateway: RunningGateway) -> None:
    channel = grpc.intercept_channel(gateway.channel, _WithToken(gateway))
    with pytest.raises(KeyError):
        ProtoReflectionDescriptorDatabase(channel).FindFileContainingSymbol("palmette.worker.v1.WorkerService")


def test_health_needs_no_token(gateway: RunningGateway) -> None:
    stub = health_pb2_grpc.HealthStub(gateway.channel)
    for name in ("", "palmette.v1.JobService", "palmette.v1.SuiteService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_header_chooses_the_service(front: Front) -> None:
    path = "/palmette.v1.JobService/GetJob"
    for name, upstream in front.services.items():
        front.gateway.call(path, metadata=(*front.gateway.metadata(), (SERVICE_HEADER, name)))
        assert len(upstream.calls_of(path)) == 1


def test_a_header_that_names_no_service_is_answered_with_the_nearest(front: Front) -> None:
    metadata = (*front.gateway.metadata(), (SERVICE_HEADER, "prunning_growth"))
    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call("/palmette.v1.JobService/ListJobs", metadata=metadata)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "no service named 'prunning_growth'; did you mean 'pruning_growth'?"


@pytest.mark.parametrize("path", ["/", "/static/css/base.css", "/jobs", "/no/such/page"])
def test_pages_go_to_the_dashboard_without_a_token(gateway: RunningGateway, path: str) -> None:
    response = gateway.http.get(path, headers={"accept": "text/html"})
    assert response.headers.get("content-type") != "application/json"
    assert response.status_code in (200, 303)


def test_every_answer_carries_its_request_id(gateway: RunningGateway) -> None:
    assert len(gateway.http.get("/v1/identity").headers["x-request-id"]) == 36


def test_the_access_log_names_caller_method_and_outcome(front: Front) -> None:
    front.gateway.call("/palmette.v1.TokenService/GetIdentity", metadata=front.gateway.metadata(subject="logged-one"))
    line = wait_for(
        lambda: next((line for line in front.gateway.envoy.output.splitlines() if "logged-one" in line), ""), "a line"
    )
    assert '"path":"/palmette.v1.TokenService/GetIdentity"' in line
    assert '"grpc_status":"OK"' in line
    assert '"role":"admin"' in line
    assert "Bearer" not in line


def test_envoys_admin_interface_only_reads(gateway: RunningGateway) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.admin_port}") as admin:
        assert admin.get("/ready").text.strip() == "LIVE"
        assert admin.get("/stats/prometheus").status_code == 200
        assert admin.post("/quitquitquit").status_code == 403
        assert admin.get("/config_dump").status_code == 403
    assert gateway.envoy.alive


class _WithToken(grpc.StreamStreamClientInterceptor):  # type: ignore[misc]
    def __init__(self, gateway: RunningGateway) -> None:
        self._metadata = gateway.metadata()

    def intercept_stream_stream(self, continuation, details, requests):  # type: ignore[no-untyped-def]
        return continuation(details._replace(metadata=self._metadata), requests)
