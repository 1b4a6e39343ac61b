"""A span for every call that the control plane makes on behalf of a call that it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from opentelemetry import trace

from palmette_gateway.tracing.attributes import CLIENT_ERRORS, call_attributes, note_code
from palmette_gateway.tracing.server_spans import HEADERS, UNTRACED, propagator


def client_interceptors(tracer: trace.Tracer) -> list[grpc.aio.ClientInterceptor]:
    """Interceptors of a channel."""
    spans = _Spans(tracer)
    return [_Unary(spans), _Stream(spans)]


class _Spans:
    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer
        self._open: set[asyncio.Task[None]] = set()

    async def trace(self, continuation: Callable[..., Any], details: grpc.aio.ClientCallDetails, request: Any) -> Any:
        """Make a call in a span of its own, which the call's end ends."""
        sent: Any = details.method  # bytes, whatever gRPC's types say
        method = sent.decode() if isinstance(sent, bytes) else str(sent)
        within = trace.get_current_span().get_span_context().is_valid
        if not within or method.startswith(UNTRACED):  # what the gateway does for itself
            return await continuation(details, request)
        name, attributes = call_attributes(method)
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        call = await continuation(_inside(span, details), request)
        ending = asyncio.create_task(_end(span, call))
        self._open.add(ending)
        ending.add_done_callback(self._open.discard)
        return call


async def _end(span: trace.Span, call: Any) -> None:
    try:
        note_code(span, await call.code(), CLIENT_ERRORS)
    finally:
        span.end()


def _inside(span: trace.Span, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
    """The call's details with the span as what the far side continues, instead of what came in."""
    headers: dict[str, str] = {}
    propagator.inject(headers, trace.set_span_in_context(span))
    kept = [(name, value) for name, value in details.metadata or () if name not in HEADERS]
    return grpc.aio.ClientCallDetails(
        details.method,
        details.timeout,
        grpc.aio.Metadata(*kept, *headers.items()),
        details.credentials,
        details.wait_for_ready,
    )


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, spans: _Spans) -> None:
        self._spans = spans

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await self._spans.trace(continuation, client_call_details, request)


class _Stream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, spans: _Spans) -> None:
        self._spans = spans

    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await self._spans.trace(continuation, client_call_details, request)
