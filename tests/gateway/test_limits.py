"""Messages that are too large, calls that take too long, callers that call too often."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from tests.gateway.conftest import Front
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.upstream import Call, Upstream
from tritonclient.grpc import service_pb2

from palmette_gateway.access.roles import Role
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2
from palmette_protos.v1 import artifact_pb2, artifact_pb2_grpc

INFER = "/inference.GRPCInferenceService/ModelInfer"
INSPECT = "/palmette.pruning_growth.v1.PruningGrowthService/InspectModel"
WATCH = "/palmette.v1.JobService/WatchJob"
HUNDRED_MB = 100_000_000


def test_a_hundred_megabytes_to_inference_are_refused_with_the_limit(front: Front) -> None:
    message = service_pb2.ModelInferRequest(raw_input_contents=[bytes(HUNDRED_MB)]).SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call(INFER, message, front.gateway.metadata(), timeout_s=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "64 MiB" in caught.value.details()
    assert not any(call.messages for call in front.triton.calls_of(INFER))


def test_a_hundred_megabytes_as_json_are_refused_with_the_limit(front: Front) -> None:
    content = b'{"model": "' + b"x" * HUNDRED_MB + b'"}'
    response = front.gateway.http.post(
        "/v1/pruningGrowth:inspectModel", headers=front.gateway.headers(), content=content
    )
    assert response.status_code == 413
    assert response.json()["code"] == 8
    assert "64 MiB" in response.json()["message"]


def test_a_message_that_only_the_service_finds_too_large_is_refused_in_the_services_words(front: Front) -> None:
    message = pruning_growth_pb2.InspectModelRequest(model="x" * 20_000_000).SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call(INSPECT, message, front.gateway.metadata(), timeout_s=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in caught.value.details()


def test_after_a_message_that_is_too_large_the_same_connection_serves_on(front: Front) -> None:
    message = service_pb2.ModelInferRequest(raw_input_contents=[bytes(HUNDRED_MB)]).SerializeToString()
    with pytest.raises(grpc.RpcError):
        front.gateway.call(INFER, message, front.gateway.metadata(), timeout_s=60)
    assert front.gateway.call(INFER, b"", front.gateway.metadata()) == b""


def test_a_batch_of_thirty_megabytes_passes_untouched(front: Front) -> None:
    message = service_pb2.ModelInferRequest(raw_input_contents=[bytes(30_000_000)]).SerializeToString()
    front.gateway.call(INFER, message, front.gateway.metadata(), timeout_s=60)
    (call,) = front.triton.calls_of(INFER)
    assert call.messages == [message]


def test_an_upload_is_larger_than_any_message(front: Front) -> None:
    chunk = artifact_pb2.UploadArtifactRequest(chunk=artifact_pb2.FileChunk(path="weights", data=bytes(1 << 20)))
    stub = artifact_pb2_grpc.ArtifactServiceStub(front.gateway.channel)

    stub.UploadArtifact((chunk for _ in range(70)), metadata=front.gateway.metadata(), timeout=60)

    (call,) = front.services["serving"].calls_of("/palmette.v1.ArtifactService/UploadArtifact")
    assert len(call.messages) == 70


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningGateway, Upstream]]:
    """A gateway with tight limits: half a second a call, five calls a second."""
    upstream = Upstream("pruning_growth")
    settings = {
        "PALMETTE_UNARY_TIMEOUT_S": "0.5",
        "PALMETTE_RATE_LIMIT_PER_S": "5",
        "PALMETTE_RATE_LIMIT_BURST": "10",
    }
    gateway = RunningGateway(tmp_path_factory.mktemp("strict"), {"pruning_growth": upstream}, settings=settings)
    yield gateway, upstream
    gateway.stop()
    upstream.stop()


def test_a_unary_call_ends_at_its_deadline(strict: tuple[RunningGateway, Upstream]) -> None:
    gateway, upstream = strict
    released = threading.Event()
    get = "/palmette.v1.JobService/GetJob"
    upstream.answers[get] = lambda _call, _context: _after(released)

    start_s = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        gateway.call(
            get, metadata=gateway.metadata(subject="slow", x_palmette_service="pruning_growth"), timeout_s=None
        )
    took_s = time.monotonic() - start_s
    released.set()

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "deadline" in caught.value.details().lower()  # in the gateway's words or, as it may be, the service's
    assert 0.4 < took_s < 5


def test_a_deadline_as_json_is_a_504(strict: tuple[RunningGateway, Upstream]) -> None:
    gateway, upstream = strict
    released = threading.Event()
    upstream.answers["/palmette.v1.JobService/GetJob"] = lambda _call, _context: _after(released)
    headers = {"authorization": f"Bearer {gateway.token(subject='json')}", "x-palmette-service": "pruning_growth"}
    response = gateway.http.get("/v1/services/pruning_growth/jobs/x", headers=headers)
    released.set()
    assert response.status_code == 504
    assert response.json()["code"] == 4


def test_a_stream_outlives_the_deadline_of_unary_calls(strict: tuple[RunningGateway, Upstream]) -> None:
    gateway, upstream = strict

    def two_messages(_call: Call, _context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b""
        time.sleep(1.2)  # the silence that is tested, not a wait for something
        yield b""

    upstream.answers[WATCH] = two_messages
    metadata = gateway.metadata(subject="watcher", x_palmette_service="pruning_growth")
    stream = gateway.channel.unary_stream(WATCH)(b"", metadata=metadata, timeout=20)
    assert len(list(stream)) == 2


def test_one_users_flood_is_refused_and_others_are_served(strict: tuple[RunningGateway, Upstream]) -> None:
    gateway, _ = strict
    identity = "/palmette.v1.TokenService/GetIdentity"
    flood = gateway.metadata(Role.VIEWER, "flooder")
    codes = [_code(gateway, identity, flood) for _ in range(40)]

    refused = [error for error in codes if error is not None]
    assert len(refused) >= 20
    assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert "too many calls from this user" in refused[0].details()
    assert _code(gateway, identity, gateway.metadata(Role.VIEWER, "someone-else")) is None

    response = gateway.http.get("/v1/identity", headers=dict(flood))
    assert response.status_code == 429
    assert response.json()["code"] == 8
    assert int(response.headers["retry-after"]) >= 0


def _after(event: threading.Event) -> bytes:
    event.wait(20)
    return b""


def _code(gateway: RunningGateway, path: str, metadata: tuple[tuple[str, str], ...]) -> grpc.RpcError | None:
    try:
        gateway.call(path, metadata=metadata)
    except grpc.RpcError as error:
        return error
    return None
