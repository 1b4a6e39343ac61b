"""The HTTP endpoint that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from palmette_plugins.api.errors import FailedPrecondition


@contextmanager
def metrics_endpoint(address: str, registry: CollectorRegistry) -> Iterator[None]:
    """Serve ``/metrics`` on host:port while open; nothing if the address is empty."""
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), addr=host, registry=registry)
    except OSError as error:
        raise FailedPrecondition(f"cannot serve metrics on {address}: {error.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
