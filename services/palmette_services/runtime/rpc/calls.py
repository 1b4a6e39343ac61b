"""One shape for every interceptor: something that happens around a call."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc


@dataclass(frozen=True)
class Call:
    """A call that is being answered.

    Attributes:
        method: Full method, such as ``/palmette.v1.JobService/GetJob``.
        request: The request message; for a client stream an async iterator of them.
        context: gRPC's context of the call.
        streams_requests: Whether `request` is a stream.
    """

    method: str
    request: Any
    context: grpc.aio.ServicerContext[Any, Any]
    streams_requests: bool

    def header(self, name: str) -> str:
        """Return a metadata value; empty if it was not sent."""
        for key, value in self.context.invocation_metadata() or ():
            if key == name:
                return value if isinstance(value, str) else value.decode(errors="replace")
        return ""


Behaviour = Callable[[Any, Any], Any]


class CallInterceptor(grpc.aio.ServerInterceptor, ABC):
    """Wraps every handler, unary and streaming alike, in `around`."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Any, Any]] = {}  # by method: what was wrapped, and what it became

    @abstractmethod
    def around(self, call: Call) -> Any:
        """Return an async context manager entered before the handler runs and left after it ended."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Replace the handler by a wrapped one (gRPC calls this once per call)."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        known = self._handlers.get(method)
        if known is None or known[0] is not handler:
            known = self._handlers[method] = (handler, self._wrapped(handler, method))
        return known[1]

    def _wrapped(self, handler: Any, method: str) -> Any:
        def call(request: Any, context: Any) -> Call:
            return Call(method, request, context, handler.request_streaming)

        async def unary(request: Any, context: Any) -> Any:
            async with self.around(call(request, context)):
                return await _inner(handler)(request, context)

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            async with self.around(call(request, context)):
                responses = _inner(handler)(request, context)
                if inspect.isawaitable(responses):  # a handler that writes to the context itself
                    await responses
                    return
                async with aclosing(responses):  # so that its `finally` runs now, not when it is collected
                    async for response in responses:
                        yield response

        make = _KINDS[handler.request_streaming, handler.response_streaming].make
        return make(
            stream if handler.response_streaming else unary,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


@dataclass(frozen=True)
class _Kind:
    """A kind of call: the handler's attribute with the behaviour, and what makes such a handler."""

    attribute: str
    make: Callable[..., Any]


_KINDS = {  # (requests are a stream, responses are a stream)
    (False, False): _Kind("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): _Kind("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): _Kind("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): _Kind("stream_stream", grpc.stream_stream_rpc_method_handler),
}


def _inner(handler: Any) -> Behaviour:
    kind = _KINDS[handler.request_streaming, handler.response_streaming]
    behaviour: Behaviour = getattr(handler, kind.attribute)
    return behaviour
