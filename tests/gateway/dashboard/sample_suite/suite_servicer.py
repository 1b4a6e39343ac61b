"""SuiteService and TokenService of a gateway with sample data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc

from palmette.types import Identity, Role
from palmette_gateway.dashboard.ports import InvalidToken
from palmette_protos.v1 import suite_pb2 as pb
from palmette_protos.v1 import token_pb2
from palmette_protos.v1.suite_pb2_grpc import SuiteServiceServicer
from palmette_protos.v1.token_pb2_grpc import TokenServiceServicer


class SampleHealth(SuiteServiceServicer):
    """Health that a test can change."""

    def __init__(self) -> None:
        self.components: dict[str, pb.Component] = {}
        self._changed = asyncio.Condition()

    async def set(
        self,
        name: str,
        kind: pb.ComponentKind.ValueType,
        state: pb.HealthState.ValueType,
        reason: str = "",
        figures: dict[str, float] | None = None,
        age_s: float = 7200,
    ) -> None:
        """Put a part into a state."""
        component = pb.Component(name=name, kind=kind, state=state, reason=reason, version="0.1.0", figures=figures)
        component.since.FromDatetime(datetime.now(UTC) - timedelta(seconds=age_s))
        self.components[name] = component
        async with self._changed:
            self._changed.notify_all()

    async def GetHealth(self, request: pb.GetHealthRequest, context: grpc.aio.ServicerContext) -> pb.GetHealthResponse:
        parts = sorted(self.components.values(), key=lambda part: (-part.state, part.name))
        health = pb.GetHealthResponse(state=max(part.state for part in parts), components=parts)
        health.time.GetCurrentTime()
        return health

    async def WatchHealth(
        self, request: pb.WatchHealthRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchHealthResponse]:
        while True:
            yield pb.WatchHealthResponse(health=await self.GetHealth(pb.GetHealthRequest(), context))
            async with self._changed:
                await self._changed.wait()


class SampleTokens(TokenServiceServicer):
    """Issues tokens that are the role's name."""

    async def IssueToken(
        self, request: token_pb2.IssueTokenRequest, context: grpc.aio.ServicerContext
    ) -> token_pb2.IssueTokenResponse:
        response = token_pb2.IssueTokenResponse(token=token_pb2.Role.Name(request.role).removeprefix("ROLE_").lower())
        response.expire_time.FromDatetime(datetime.now(UTC) + request.lifetime.ToTimedelta())
        return response


async def verify(token: str) -> Identity:
    """Accept the role's name as a token."""
    if token not in set(Role):
        raise InvalidToken("This token was not issued by this suite. Copy all of it, or ask an admin for a new one.")
    return Identity(f"{token}@example.org", Role(token), datetime.now(UTC) + timedelta(days=30))
