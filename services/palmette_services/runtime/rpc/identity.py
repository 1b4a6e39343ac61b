"""Who calls, and under which request id; both go into every log line of the call."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import structlog

from palmette_services.runtime.rpc.calls import Call, CallInterceptor

_log = structlog.get_logger(__name__)
_user: ContextVar[str] = ContextVar("palmette_user", default="")
_QUIET = ("/grpc.health.v1.", "/grpc.reflection.")


def current_user() -> str:
    """Return the subject of the caller's token, as the gateway verified it; empty without a gateway.

    `GatewayOnly` keeps everybody else from saying so, where there is an internal secret.
    """
    return _user.get()


class IdentityInterceptor(CallInterceptor):
    """Takes ``x-palmette-user`` and ``x-request-id`` from the call; makes a request id where none came."""

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Set the context for the handler, then log the call."""
        _user.set(call.header("x-palmette-user"))
        request_id = call.header("x-request-id") or uuid.uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        start_s = time.perf_counter()
        try:
            yield
        finally:
            if not call.method.startswith(_QUIET):
                took_ms = round(1000 * (time.perf_counter() - start_s), 2)
                _log.debug("call", method=call.method, took_ms=took_ms, code=str(call.context.code() or "OK"))
