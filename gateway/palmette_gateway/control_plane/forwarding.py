"""Passes a call on to the service that owns what it names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from palmette_gateway.control_plane.caller import AnyContext, caller, header
from palmette_gateway.errors import from_upstream, invalid_argument
from palmette_gateway.services import Service

Response = TypeVar("Response", bound=Message)

PASSED_ON = ("x-request-id", "traceparent", "tracestate")


def onward_metadata(context: AnyContext) -> tuple[tuple[str, str], ...]:
    """What goes along with a call that is passed on: who called, and what logs and traces need."""
    identity = caller()
    passed = [(name, value) for name in PASSED_ON if (value := header(context, name))]
    return (("x-palmette-user", identity.subject), ("x-palmette-role", identity.role.claim), *passed)


def service_of(name: str, field: str, pattern: str) -> str:
    """The service in a resource name such as ``services/{service}/jobs/{id}``.

    Raises:
        CallError: INVALID_ARGUMENT, the name is not of this form.
    """
    parts, wanted = name.split("/"), pattern.split("/")
    fits = len(parts) == len(wanted) and all(
        bool(part) if want.startswith("{") else part == want for part, want in zip(parts, wanted, strict=True)
    )
    if not fits:
        raise invalid_argument([(field, f"'{name}' is not of the form {pattern}")])
    return parts[1]


async def forward(
    service: Service,
    method: Callable[..., grpc.aio.UnaryUnaryCall[Any, Response]],
    request: Message,
    context: AnyContext,
) -> Response:
    """Call `method` of `service` with the caller's deadline; its error becomes the call's."""
    try:
        return await method(request, metadata=onward_metadata(context), timeout=context.time_remaining())
    except grpc.aio.AioRpcError as error:
        raise from_upstream(service.name, str(service.address), error) from error


async def forward_stream(
    service: Service,
    method: Callable[..., grpc.aio.UnaryStreamCall[Any, Response]],
    request: Message,
    context: AnyContext,
) -> AsyncIterator[Response]:
    """Call `method` of `service` and pass its stream on; when the caller leaves, the stream is cancelled."""
    call = method(request, metadata=onward_metadata(context), timeout=context.time_remaining())
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        raise from_upstream(service.name, str(service.address), error) from error
    finally:
        call.cancel()
