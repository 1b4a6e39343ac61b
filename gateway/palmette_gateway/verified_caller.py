"""Lets only the token say who asks for a page, whoever connects."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from palmette_gateway.access.tokens import COOKIE, Identity, TokenError, Tokens

USER, ROLE = b"x-palmette-user", b"x-palmette-role"


class VerifiedCaller:
    """Sets ``x-palmette-user`` and ``x-palmette-role`` from the request's token, and removes any that came with it.

    Envoy does the same; but whoever is on this machine can reach the dashboard's own port, past Envoy.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] in ("http", "websocket"):
            headers = [(name, value) for name, value in scope["headers"] if name.lower() not in (USER, ROLE)]
            identity = self._identity(HTTPConnection(scope))
            if identity is not None:
                headers += [(USER, identity.subject.encode()), (ROLE, identity.role.claim.encode())]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)

    def _identity(self, connection: HTTPConnection) -> Identity | None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = connection.cookies.get(COOKIE, "")
        try:
            return self._tokens.identify(token) if token else None
        except TokenError:
            return None
