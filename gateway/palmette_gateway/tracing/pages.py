"""What a page of the dashboard asks of the suite is part of the trace that Envoy started for the page."""

from __future__ import annotations

from opentelemetry import context as contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from palmette_gateway.tracing.server_spans import HEADERS, propagator


class TracedPages:
    """Continues the trace of each request; what runs in the background of the dashboard stays out of traces."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, in the task of its own that it has."""
        if scope["type"] == "http":
            came = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            contexts.attach(propagator.extract({name: came[name] for name in HEADERS if name in came}))
        await self._app(scope, receive, send)
