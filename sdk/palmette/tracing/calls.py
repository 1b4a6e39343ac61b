"""A span for every call to a suite, inside the trace that the calling program is in."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message
    from opentelemetry.trace import Tracer

Headers = tuple[tuple[str, str], ...]
_API = "opentelemetry.trace"
_log = logging.getLogger(__name__)


class CallTracing:
    """Makes the spans of one client's calls.

    * With an endpoint, every call gets a span, made by the program's own tracer provider if it has set one.
    * Without one, a call only continues what the program does with OpenTelemetry by itself.
    * In a program without OpenTelemetry nothing of it is imported.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    @contextmanager
    def span(self, request: Message | type[Message]) -> Iterator[Headers]:
        """Trace the call that takes `request`; yields the headers to send along, none if there is nothing to trace."""
        tracer = self._tracer()
        if tracer is None:
            yield ()
            return
        from opentelemetry import trace
        from opentelemetry.propagate import inject

        service, method = method_of(request.DESCRIPTOR)
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        span = tracer.start_span(f"{service}/{method}", kind=trace.SpanKind.CLIENT, attributes=attributes)
        headers: dict[str, str] = {}
        inject(headers, context=trace.set_span_in_context(span))
        # The span is never made the current one: a stream's caller may leave it from another task.
        try:
            yield tuple(headers.items())
        except Exception as error:
            if isinstance(error, grpc.aio.AioRpcError):
                span.set_attribute("rpc.grpc.status_code", error.code().value[0])
            span.set_status(trace.StatusCode.ERROR, _description(error))
            raise
        finally:
            span.end()

    def _tracer(self) -> Tracer | None:
        if not self._endpoint and _API not in sys.modules:
            return None
        try:
            from opentelemetry import trace

            if self._endpoint and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                return _own_tracer(self._endpoint)
        except ImportError as error:
            _log.warning("calls are not traced: %s is not installed; pip install 'palmette[tracing]'", error.name)
            self._endpoint = ""
            return None
        return trace.get_tracer(__name__)


@functools.cache
def method_of(request: Descriptor) -> tuple[str, str]:
    """Return the service and the method that take a request, by its contract."""
    for service in request.file.services_by_name.values():
        for method in service.methods:
            if method.input_type == request:
                return service.full_name, method.name
    raise ValueError(f"{request.full_name} is not a request of any method beside it")


@functools.cache
def _own_tracer(endpoint: str) -> Tracer:
    from palmette.tracing.provider import open_provider

    # The provider sends what is left when the interpreter ends.
    return open_provider(os.environ.get("OTEL_SERVICE_NAME") or "palmette-sdk", endpoint).get_tracer(__name__)


def _description(error: Exception) -> str:
    return (error.details() or "") if isinstance(error, grpc.aio.AioRpcError) else str(error)
