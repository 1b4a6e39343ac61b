"""OpenTelemetry traces of calls; off unless an endpoint is set."""

from __future__ import annotations

from collections.abc import Callable

import grpc

from palmette_plugins.api.errors import FailedPrecondition


def set_up_traces(service: str, endpoint: str) -> tuple[list[grpc.aio.ServerInterceptor], Callable[[], None]]:
    """Return the interceptors that trace calls, and what sends the last spans at the end.

    Args:
        service: Name of the service.
        endpoint: Address of an OTLP collector (gRPC), such as ``http://localhost:4317``; empty for no traces.
    """
    if not endpoint:
        return [], lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.grpc import aio_server_interceptor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise FailedPrecondition(
            f"PALMETTE_OTLP_ENDPOINT is set but {error.name} is not installed: pip install 'palmette-services[otel]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": f"palmette-{service}"}))
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    interceptor = aio_server_interceptor(tracer_provider=provider)  # type: ignore[no-untyped-call]
    return [interceptor], provider.shutdown
