"""How a gRPC call looks in a trace, by OpenTelemetry's conventions."""

from __future__ import annotations

from collections.abc import Container

import grpc
from opentelemetry import trace

# What is an error of whoever answers, and of whoever asks.
SERVER_ERRORS = frozenset(
    grpc.StatusCode[name] for name in ("UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
)
CLIENT_ERRORS = frozenset(grpc.StatusCode) - {grpc.StatusCode.OK}
_NUMBERS = {status.value[0]: status for status in grpc.StatusCode}


def call_attributes(method: str) -> tuple[str, dict[str, str]]:
    """Return the name and the attributes of a call's span; `method` is ``/package.Service/Method``."""
    name = method.removeprefix("/")
    service, _, short = name.partition("/")
    return name, {"rpc.system": "grpc", "rpc.service": service, "rpc.method": short}


def note_code(span: trace.Span, code: grpc.StatusCode | int | None, errors: Container[grpc.StatusCode]) -> None:
    """Note how the call ended; a handler that set no code (None, or gRPC's 0) ended well."""
    status = code if isinstance(code, grpc.StatusCode) else _NUMBERS[code or 0]
    span.set_attribute("rpc.grpc.status_code", status.value[0])
    if status in errors:
        span.set_status(trace.StatusCode.ERROR, status.name)
