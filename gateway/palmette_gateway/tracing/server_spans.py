"""A span for every call that the control plane answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import structlog
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from palmette_gateway.control_plane.caller import AnyContext, header
from palmette_gateway.tracing.attributes import SERVER_ERRORS, call_attributes, note_code

UNTRACED = "/grpc."  # health and reflection
HEADERS = ("traceparent", "tracestate")
propagator = TraceContextTextMapPropagator()


class ServerSpans(grpc.aio.ServerInterceptor):
    """Continues the caller's trace, for the calls that are made on its behalf and for the log.

    Envoy starts one for every call from outside; what comes without one is the dashboard looking every second.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler of one call; the control plane has no methods that take a stream."""
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(UNTRACED):
            return handler
        make, behaviour = (
            (grpc.unary_stream_rpc_method_handler, self._stream(method, handler.unary_stream))
            if handler.response_streaming
            else (grpc.unary_unary_rpc_method_handler, self._unary(method, handler.unary_unary))
        )
        return make(
            behaviour,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: AnyContext) -> Any:
            with self._span(method, context):
                return await behaviour(request, context)

        return call

    def _stream(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: AnyContext) -> AsyncIterator[Any]:
            with self._span(method, context):
                async for response in behaviour(request, context):
                    yield response

        return call

    @contextmanager
    def _span(self, method: str, context: AnyContext) -> Iterator[None]:
        if not header(context, HEADERS[0]):
            yield
            return
        caller = propagator.extract({name: header(context, name) for name in HEADERS})
        name, attributes = call_attributes(method)
        span = self._tracer.start_span(name, caller, trace.SpanKind.SERVER, attributes)
        # Never detached: gRPC runs each call in a task of its own, and a stream may be closed from another one.
        contexts.attach(trace.set_span_in_context(span))
        structlog.contextvars.bind_contextvars(trace_id=trace.format_trace_id(span.get_span_context().trace_id))
        try:
            yield
        finally:
            note_code(span, context.code(), SERVER_ERRORS)
            span.end()
