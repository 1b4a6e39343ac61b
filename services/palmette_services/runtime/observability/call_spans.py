"""A span for every call that a service answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from palmette_services.runtime.observability.metrics import code_name
from palmette_services.runtime.observability.trace_context import set_traceparent
from palmette_services.runtime.rpc.calls import Call, CallInterceptor

# Asked every second, or open as long as a job runs: its own span says more.
_UNTRACED = ("/grpc.health.v1.", "/grpc.reflection.", "/palmette.worker.v1.")
# What is the service's fault; the other codes are the caller's.
_FAULTS = {grpc.StatusCode[name] for name in ("UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")}
_propagator = TraceContextTextMapPropagator()


class TraceInterceptor(CallInterceptor):
    """Continues the caller's trace, and puts its id into every log line of the call.

    Envoy starts one for every call from outside; what comes without one is the suite looking after itself.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Make the call's span."""
        if call.method.startswith(_UNTRACED) or not call.header("traceparent"):
            yield
            return
        caller = _propagator.extract({name: call.header(name) for name in ("traceparent", "tracestate")})
        name = call.method.removeprefix("/")
        service, _, method = name.partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        span = self._tracer.start_span(name, caller, trace.SpanKind.SERVER, attributes)
        headers: dict[str, str] = {}
        _propagator.inject(headers, trace.set_span_in_context(span))
        set_traceparent(headers.get("traceparent", ""))
        structlog.contextvars.bind_contextvars(trace_id=trace.format_trace_id(span.get_span_context().trace_id))
        try:
            yield
        finally:
            code = grpc.StatusCode[code_name(call)]
            span.set_attribute("rpc.grpc.status_code", code.value[0])
            if code in _FAULTS:
                span.set_status(trace.StatusCode.ERROR, code.name)
            span.end()
