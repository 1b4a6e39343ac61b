"""What the control plane does for traces, if there is a collector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc
import structlog
from starlette.types import ASGIApp

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tracing:
    """What is put into the control plane.

    Attributes:
        server: Interceptors of its server, the outermost.
        client: Interceptors of its channels.
        pages: Wraps the dashboard.
        close: Sends what is held back; blocks for up to two seconds.
    """

    server: Sequence[grpc.aio.ServerInterceptor] = ()
    client: Sequence[grpc.aio.ClientInterceptor] = ()
    pages: Callable[[ASGIApp], ASGIApp] = lambda app: app
    close: Callable[[], None] = lambda: None


def set_up_tracing(endpoint: str) -> Tracing:
    """Return the tracing for a collector's address; nothing for an empty one, or where OpenTelemetry is missing."""
    if not endpoint:
        return Tracing()
    try:
        from palmette.tracing.provider import open_provider
        from palmette_gateway.tracing.client_spans import client_interceptors
        from palmette_gateway.tracing.pages import TracedPages
        from palmette_gateway.tracing.server_spans import ServerSpans
    except ImportError as error:
        install = "pip install 'palmette-gateway[tracing]'"
        log.warning("the control plane is not traced: OpenTelemetry is missing", missing=error.name, install=install)
        return Tracing()
    provider = open_provider("palmette-gateway", endpoint)
    tracer = provider.get_tracer(__name__)
    return Tracing([ServerSpans(tracer)], client_interceptors(tracer), TracedPages, provider.shutdown)
