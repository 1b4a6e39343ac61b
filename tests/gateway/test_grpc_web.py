"""gRPC-Web, as a browser's client speaks it over HTTP/1.1."""

from __future__ import annotations

import base64
import struct

import httpx
import pytest
from tests.gateway.conftest import Front
from tritonclient.grpc import service_pb2

from palmette_gateway.access.roles import Role
from palmette_protos.v1 import job_pb2, token_pb2

TRAILERS = 0x80


def frames(body: bytes) -> list[tuple[int, bytes]]:
    """Split a gRPC-Web body into (flags, content)."""
    found = []
    while body:
        flags, length = struct.unpack(">BI", body[:5])
        found.append((flags, body[5 : 5 + length]))
        body = body[5 + length :]
    return found


def call(front: Front, path: str, message: bytes, headers: dict[str, str], form: str = "+proto") -> httpx.Response:
    """Make one call; the text form is base64."""
    content = struct.pack(">BI", 0, len(message)) + message
    if form.startswith("-text"):
        content = base64.b64encode(content)
    kind = f"application/grpc-web{form}"
    sent = headers | {"content-type": kind, "accept": kind, "x-grpc-web": "1"}
    return front.gateway.http.post(path, headers=sent, content=content)


def test_a_unary_call_returns_a_message_and_trailers(front: Front) -> None:
    headers = front.gateway.headers(Role.OPERATOR)
    response = call(front, "/palmette.v1.TokenService/GetIdentity", b"", headers)

    (flags, content), (trailer_flags, trailers) = frames(response.content)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/grpc-web+proto"
    assert flags == 0
    assert token_pb2.GetIdentityResponse.FromString(content).role == token_pb2.ROLE_OPERATOR
    assert trailer_flags == TRAILERS
    assert b"grpc-status:0" in trailers


def test_a_server_stream_arrives_message_by_message(front: Front) -> None:
    front.services["pruning_growth"].answers["/palmette.v1.JobService/WatchJob"] = lambda _call, _context: (
        job_pb2.WatchJobResponse(event=job_pb2.JobEvent(sequence=number)) for number in (1, 2)
    )
    request = job_pb2.WatchJobRequest(name="services/pruning_growth/jobs/a").SerializeToString()

    response = call(front, "/palmette.v1.JobService/WatchJob", request, front.gateway.headers())

    *messages, (trailer_flags, _) = frames(response.content)
    sequences = [job_pb2.WatchJobResponse.FromString(content).event.sequence for _, content in messages]
    assert sequences == [1, 2]
    assert trailer_flags == TRAILERS


def test_the_text_form_works(front: Front) -> None:
    response = call(front, "/palmette.v1.TokenService/GetIdentity", b"", front.gateway.headers(), "-text+proto")
    (_, content), *_ = frames(base64.b64decode(response.content))
    assert token_pb2.GetIdentityResponse.FromString(content).subject == "tester"


@pytest.mark.parametrize(
    ("role", "status", "text"), [(None, 16, "no token"), (Role.VIEWER, 7, "takes the role 'admin'")]
)
def test_a_refusal_is_a_grpc_status(front: Front, role: Role | None, status: int, text: str) -> None:
    headers = front.gateway.headers(role) if role else {}
    response = call(front, "/palmette.v1.TokenService/IssueToken", b"", headers)
    assert response.headers["grpc-status"] == str(status)
    assert text in httpx.URL(f"http://x/?m={response.headers['grpc-message']}").params["m"]


def test_inference_works_over_grpc_web_too(front: Front) -> None:
    """Native inference has a route of its own without this filter."""
    infer = "/inference.GRPCInferenceService/ModelInfer"
    front.triton.answers[infer] = lambda _call, _context: service_pb2.ModelInferResponse(model_name="digits")
    request = service_pb2.ModelInferRequest(model_name="digits").SerializeToString()

    response = call(front, infer, request, front.gateway.headers(Role.VIEWER))

    (_, content), *_ = frames(response.content)
    assert service_pb2.ModelInferResponse.FromString(content).model_name == "digits"
    assert front.triton.calls_of(infer)[0].messages == [request]
