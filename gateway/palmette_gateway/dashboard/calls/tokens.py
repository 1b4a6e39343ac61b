"""Access tokens."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from palmette.types import Role, Token
from palmette.wire.scalars import time_from
from palmette.wire.suite import role_number
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.calls.unary import ask
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_protos.v1 import token_pb2


async def issue_token(suite: SuiteApi, subject: str, role: Role, lifetime: timedelta, caller: Caller) -> Token:
    """Issue a signed token; it is shown only once."""
    duration = Duration()
    duration.FromTimedelta(lifetime)
    request = token_pb2.IssueTokenRequest(subject=subject, role=role_number(role), lifetime=duration)
    response = await ask(suite.tokens.IssueToken, request, "the gateway", caller)
    return Token(response.token, time_from(response, "expire_time"))
