"""One call to a service, with a deadline, the caller's identity and errors that read well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import grpc

from palmette.wire.status import error_from
from palmette_gateway.dashboard.access.caller import DASHBOARD, Caller

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

DEADLINE_S = 5.0
"""A page waits this long for a service; one that hangs shows as a problem and not as a page that never comes."""


async def ask(
    method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
    request: RequestT,
    what: str,
    caller: Caller = DASHBOARD,
    timeout_s: float = DEADLINE_S,
) -> ResponseT:
    """Return the response; raise `palmette.errors.PalmetteError`. `what` names who was asked, for the error's text."""
    try:
        return await method(request, timeout=timeout_s, metadata=caller.metadata)
    except grpc.aio.AioRpcError as error:
        raise error_from(error, what) from error


async def listen(
    method: grpc.aio.UnaryStreamMultiCallable[RequestT, ResponseT],
    request: RequestT,
    what: str,
    caller: Caller = DASHBOARD,
) -> AsyncIterator[ResponseT]:
    """Yield a stream's responses; raise `palmette.errors.PalmetteError` when it breaks."""
    call = method(request, metadata=caller.metadata)
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        raise error_from(error, what) from error
    finally:
        call.cancel()
