"""What the gateway tries again, and what it must not."""

from __future__ import annotations

import grpc
import pytest
from tests.gateway.conftest import Front
from tests.gateway.harness.upstream import Answer, Call

from palmette_gateway.access.destinations import ARTIFACTS_OWNER, SERVICE_HEADER, destination
from palmette_gateway.access.methods import Method, methods


def _unavailable_first(times: int) -> Answer:
    """Refuse that many calls with UNAVAILABLE, then answer."""
    left = [times]

    def answer(_call: Call, context: grpc.ServicerContext) -> bytes:
        if left[0]:
            left[0] -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "draining")
        return b""

    return answer


UNARY = [
    method
    for method in methods()
    if not method.streaming and destination(method.service) in ("triton", "pruning_growth", ARTIFACTS_OWNER)
]


@pytest.mark.parametrize("method", [m for m in UNARY if m.rule.idempotent], ids=lambda m: m.path)
def test_an_idempotent_call_is_tried_again_on_unavailable(front: Front, method: Method) -> None:
    for upstream in front.everything:
        upstream.answers[method.path] = _unavailable_first(2)

    front.gateway.call(method.path, metadata=front.gateway.metadata())

    assert sum(len(upstream.calls_of(method.path)) for upstream in front.everything) >= 3


@pytest.mark.parametrize("method", [m for m in UNARY if not m.rule.idempotent], ids=lambda m: m.path)
def test_any_other_call_reaches_the_service_once(front: Front, method: Method) -> None:
    for upstream in front.everything:
        upstream.answers[method.path] = _unavailable_first(2)

    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call(method.path, metadata=front.gateway.metadata())

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert caught.value.details() == "draining"
    assert sum(len(upstream.calls_of(method.path)) for upstream in front.everything) == 1


@pytest.mark.parametrize(
    ("name", "calls"), [("SubmitJob", 1), ("RetryJob", 1), ("DeleteJob", 1), ("GetJob", 3), ("CancelJob", 3)]
)
def test_a_jobs_calls_by_header_follow_the_same_rule(front: Front, name: str, calls: int) -> None:
    path = f"/palmette.v1.JobService/{name}"
    service = front.services["pruning_growth"]
    service.answers[path] = _unavailable_first(3)

    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call(path, metadata=(*front.gateway.metadata(), (SERVICE_HEADER, "pruning_growth")))

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(service.calls_of(path)) == calls


def test_other_errors_are_not_tried_again(front: Front) -> None:
    path = "/palmette.v1.ArtifactService/GetArtifact"

    def refuse(_call: Call, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such artifact")
        raise AssertionError("abort does not return")

    front.services["serving"].answers[path] = refuse
    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call(path, metadata=front.gateway.metadata())
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert len(front.services["serving"].calls_of(path)) == 1
