"""Calls about the suite itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

from palmette.aio.connection import Connection
from palmette.types import Health, Identity, Role, Token
from palmette.wire.scalars import time_from
from palmette.wire.suite import health_from, identity_from, role_number
from palmette_protos.v1 import suite_pb2, token_pb2


class SuiteCalls:
    """The part of a client that asks how the suite is and who may do what."""

    _connection: Connection

    async def health(self) -> Health:
        """Return the health of every part, with a reason for what is not healthy."""
        return health_from(await self._connection.call(self._connection.suite.GetHealth, suite_pb2.GetHealthRequest()))

    async def watch_health(self) -> AsyncIterator[Health]:
        """Yield the health now, at every change, and at least every 30 seconds."""
        watch = self._connection.suite.WatchHealth
        async for response in self._connection.stream(watch, suite_pb2.WatchHealthRequest):
            yield health_from(response.health)

    async def identity(self) -> Identity:
        """Return who the gateway takes the caller for."""
        request = token_pb2.GetIdentityRequest()
        return identity_from(await self._connection.call(self._connection.tokens.GetIdentity, request))

    async def issue_token(self, subject: str, role: Role | str, *, days: float | None = None) -> Token:
        """Issue a token (admins only) that is valid for `days`, 30 when left out."""
        request = token_pb2.IssueTokenRequest(subject=subject, role=role_number(role))
        if days is not None:
            request.lifetime.FromSeconds(round(days * 86_400))
        call = self._connection.call
        response = await call(self._connection.tokens.IssueToken, request, repeatable=False)
        return Token(response.token, time_from(response, "expire_time"))
