"""HTTP servers in the gateway's own event loop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from starlette.types import ASGIApp

from palmette_gateway.addresses import Address


class _Server(uvicorn.Server):
    """A server that leaves signals to the gateway."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


class WebServer:
    """Serves one application on one address."""

    def __init__(
        self, app: ASGIApp, listen: Address, setting: str, drain_s: float, on_stop: Callable[[], None] | None = None
    ) -> None:
        self._on_stop = on_stop
        self._socket = bind(listen, setting)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=int(drain_s), server_header=False
        )
        self._server = _Server(config)

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Take no more requests, and let those in flight end for a while."""
        if self._on_stop is not None:
            self._on_stop()  # streams that would never end by themselves
        self._server.should_exit = True


class AddressTakenError(Exception):
    """Someone else listens where the gateway should; the message names the address and its setting."""


def bind(address: Address, setting: str) -> socket.socket:
    """Bind an address.

    Raises:
        AddressTakenError: It cannot be bound.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise AddressTakenError(f"cannot listen on {address} ({setting}): {error.strerror}") from error
    return listener
