"""A small OpenTelemetry collector: takes traces in over OTLP and keeps them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass(frozen=True)
class Span:
    """One span and the process that made it."""

    service: str
    name: str
    trace_id: str
    id: str
    parent_id: str
    kind: int
    failed: str | None
    attributes: dict[str, Any]
    start_ns: int
    end_ns: int

    @property
    def traceparent(self) -> str:
        """The header that makes another span its child, without its flags."""
        return f"00-{self.trace_id}-{self.id}-"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Use it as a context manager; `spans` is everything that came so far."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._changed = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Collector:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: Any) -> Any:
        """Take spans in."""
        found = [
            _span(resource, span)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._changed:
            self.spans += found
            self._changed.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def wait(self, condition: Callable[[list[Span]], Any], within_s: float = 20.0) -> Any:
        """Return the first true value of a condition on the spans."""
        with self._changed:
            self._changed.wait_for(lambda: condition(self.spans), within_s)
            found = condition(self.spans)
        assert found, "the collector has only\n" + "\n".join(f"{span.service}: {span.name}" for span in self.spans)
        return found

    def one(self, name: str, service: str = "", within_s: float = 20.0) -> Span:
        """Return the only span of a name (and of a process), once it has come."""

        def named(spans: list[Span]) -> list[Span]:
            return [span for span in spans if span.name == name and service in ("", span.service)]

        self.wait(named, within_s)
        (found,) = named(self.spans)
        return found


def _span(resource: trace_pb2.ResourceSpans, span: trace_pb2.Span) -> Span:
    return Span(
        service=_attributes(resource.resource)["service.name"],
        name=span.name,
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=span.kind,
        failed=span.status.message if span.status.code == trace_pb2.Status.STATUS_CODE_ERROR else None,
        attributes=_attributes(span),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
    )


def _attributes(of: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in of.attributes}
