"""Errors that nobody foresaw: logged in full, and shown as a page that says where to look."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from palmette_gateway.dashboard.errors import unexpected_error

_LOG = structlog.get_logger(__name__)


class Unexpected:
    """Answers for a page that failed before it said anything; inside the session, for the page shows who looks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or show that it failed."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            _LOG.exception("page_failed", path=scope["path"])
            response = unexpected_error(Request(scope, receive))
            await response(scope, receive, send)
