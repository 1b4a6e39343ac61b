"""palmette.v1.TokenService through the gateway."""

from __future__ import annotations

import time

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tests.gateway.harness.gateway import RunningGateway

from palmette_gateway.access.roles import Role
from palmette_protos.v1 import token_pb2, token_pb2_grpc

DAY_S = 86_400


@pytest.fixture
def service(gateway: RunningGateway) -> token_pb2_grpc.TokenServiceStub:
    """The stub."""
    return token_pb2_grpc.TokenServiceStub(gateway.channel)


def test_an_issued_token_works_and_says_who_it_is_for(
    gateway: RunningGateway, service: token_pb2_grpc.TokenServiceStub
) -> None:
    request = token_pb2.IssueTokenRequest(subject="alice@example.org", role=token_pb2.ROLE_OPERATOR)
    request.lifetime.FromSeconds(3600)

    issued = service.IssueToken(request, metadata=gateway.metadata())
    identity = service.GetIdentity(
        token_pb2.GetIdentityRequest(), metadata=(("authorization", f"Bearer {issued.token}"),)
    )

    assert identity.subject == "alice@example.org"
    assert identity.role == token_pb2.ROLE_OPERATOR
    assert identity.expire_time == issued.expire_time
    assert issued.expire_time.ToSeconds() == pytest.approx(time.time() + 3600, abs=30)


def test_a_token_lasts_thirty_days_unless_told_otherwise(
    gateway: RunningGateway, service: token_pb2_grpc.TokenServiceStub
) -> None:
    request = token_pb2.IssueTokenRequest(subject="ci", role=token_pb2.ROLE_VIEWER)
    issued = service.IssueToken(request, metadata=gateway.metadata())
    assert issued.expire_time.ToSeconds() == pytest.approx(time.time() + 30 * DAY_S, abs=30)


@pytest.mark.parametrize(
    ("subject", "role", "lifetime_s", "fields"),
    [
        ("", 0, None, {"subject", "role"}),
        ("two words", token_pb2.ROLE_VIEWER, None, {"subject"}),
        ("line\nbreak", token_pb2.ROLE_VIEWER, None, {"subject"}),
        ("x" * 200, token_pb2.ROLE_VIEWER, None, {"subject"}),
        ("alice", 17, None, {"role"}),
        ("alice", token_pb2.ROLE_VIEWER, 0, {"lifetime"}),
        ("alice", token_pb2.ROLE_VIEWER, -5, {"lifetime"}),
        ("alice", token_pb2.ROLE_VIEWER, 367 * DAY_S, {"lifetime"}),
    ],
)
def test_a_wrong_request_names_its_fields(
    gateway: RunningGateway,
    service: token_pb2_grpc.TokenServiceStub,
    subject: str,
    role: int,
    lifetime_s: int | None,
    fields: set[str],
) -> None:
    request = token_pb2.IssueTokenRequest(subject=subject, role=token_pb2.Role.ValueType(role))
    if lifetime_s is not None:
        request.lifetime.FromSeconds(lifetime_s)

    with pytest.raises(grpc.RpcError) as caught:
        service.IssueToken(request, metadata=gateway.metadata())

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (detail,) = rpc_status.from_call(caught.value).details
    bad = error_details_pb2.BadRequest()
    assert detail.Unpack(bad)
    assert {violation.field for violation in bad.field_violations} == fields


def test_the_log_says_who_issued_but_never_the_token(
    gateway: RunningGateway, service: token_pb2_grpc.TokenServiceStub
) -> None:
    request = token_pb2.IssueTokenRequest(subject="logged", role=token_pb2.ROLE_VIEWER)
    issued = service.IssueToken(request, metadata=gateway.metadata(Role.ADMIN, "boss"))

    output = gateway.control_plane.output
    assert "logged" in output
    assert "boss" in output
    assert issued.token not in output
    assert issued.token.rpartition(".")[2] not in output
