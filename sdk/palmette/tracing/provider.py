"""Sending spans to an OpenTelemetry collector. Only where an endpoint is set: this imports OpenTelemetry's SDK."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

import grpc
from opentelemetry.exporter.otlp.proto.grpc import exporter as otlp
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

_EXPORT_S = 2.0  # the longest that the end of a program can wait for a collector that says nothing
_log = logging.getLogger(__name__)


def open_provider(service: str, endpoint: str) -> TracerProvider:
    """Return what makes spans and sends them, in batches from a thread of its own; `shutdown` sends the rest.

    Args:
        service: Name that a trace shows this process under.
        endpoint: Address of an OTLP collector (gRPC), such as ``http://localhost:4317``.
    """
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}), id_generator=UnseededIds())
    provider.add_span_processor(BatchSpanProcessor(CollectorExporter(endpoint)))
    return provider


class UnseededIds(RandomIdGenerator):
    """Ids that differ although the program seeded Python's generator, as experiments and jobs do."""

    def generate_span_id(self) -> int:
        """Return 8 random bytes."""
        return secrets.randbits(64) or 1

    def generate_trace_id(self) -> int:
        """Return 16 random bytes."""
        return secrets.randbits(128) or 1


class CollectorExporter(SpanExporter):
    """Sends spans over OTLP. Those that a collector does not take are dropped, and one line in the log says so."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._complaint = _Complaint()
        logging.getLogger(otlp.__name__).addFilter(self._complaint)
        # No error is worth another try (OK is none): waiting for a collector would hold up the end of a program.
        self._exporter = OTLPSpanExporter(
            endpoint=endpoint,
            insecure=not endpoint.startswith("https://"),
            timeout=_EXPORT_S,
            retryable_error_codes=[grpc.StatusCode.OK],
        )
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            _log.warning(
                "no traces reach the OpenTelemetry collector at %s; they are dropped until it answers (%s)",
                self._endpoint,
                self._complaint.text,
            )
        self._failing = failed
        return result

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()
        logging.getLogger(otlp.__name__).removeFilter(self._complaint)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back here."""
        return True


class _Complaint(logging.Filter):
    """Keeps the exporter's own complaints, one a batch, out of the log and remembers the last."""

    text = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let nothing through."""
        self.text = record.getMessage()
        return False
