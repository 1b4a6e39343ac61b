"""Traces reach a collector, if there is one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from palmette_test_service.process import ServiceProcess, eventually, free_address


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the names of all spans."""

    def __init__(self) -> None:
        self.spans: set[tuple[str, str]] = set()

    def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: Any) -> Any:
        """Take spans in."""
        for resource in request.resource_spans:
            service = {item.key: item.value.string_value for item in resource.resource.attributes}["service.name"]
            self.spans |= {(service, span.name) for scope in resource.scope_spans for span in scope.spans}
        return trace_service_pb2.ExportTraceServiceResponse()


def test_calls_are_traced_to_the_endpoint(make_service: Callable[..., ServiceProcess]) -> None:
    address, collector = free_address(), Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    server.add_insecure_port(address)
    server.start()
    try:
        service = make_service(otlp_endpoint=f"http://{address}")
        service.wait(service.submit("steps", steps=1))
        assert service.terminate() == 0  # what is still held back is sent at the end
        eventually(lambda: collector.spans, within_s=10)
    finally:
        server.stop(None)
    assert ("palmette-testing", "/palmette.v1.JobService/SubmitJob") in collector.spans
