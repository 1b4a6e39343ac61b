"""OpenTelemetry traces of a service; off, and not even imported, unless an endpoint is set."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc

from palmette_services.runtime.jobs.names import JobName
from palmette_services.runtime.scheduling.attempts import LostAttempt

# What a worker needs at its end to make its spans: loaded before it is forked.
COLLECTOR_MODULE = "palmette_services.runtime.observability.collector"
_log = logging.getLogger(__name__)


def _nothing(_lost: LostAttempt) -> None:
    return


@dataclass(frozen=True)
class ServiceTracing:
    """What a service does for its traces.

    Attributes:
        endpoint: Where its workers send theirs; empty for nowhere.
        interceptors: Trace calls.
        note_lost: Makes the span of an attempt whose worker cannot do so any more.
        close: Sends what is held back.
    """

    endpoint: str = ""
    interceptors: Sequence[grpc.aio.ServerInterceptor] = ()
    note_lost: Callable[[LostAttempt], None] = _nothing
    close: Callable[[], None] = lambda: None


OFF = ServiceTracing()


def set_up_traces(service: str, endpoint: str) -> ServiceTracing:
    """Return the tracing of a service.

    Args:
        service: Name of the service.
        endpoint: Address of an OTLP collector (gRPC), such as ``http://localhost:4317``; empty for no traces.
    """
    if not endpoint:
        return OFF
    try:
        from palmette_services.runtime.observability.attempt_spans import EndedAttempt, make_spans
        from palmette_services.runtime.observability.call_spans import TraceInterceptor
        from palmette_services.runtime.observability.collector import open_provider
    except ImportError as error:
        _log.warning("nothing is traced: %s is not installed; pip install 'palmette-services[tracing]'", error.name)
        return OFF
    provider = open_provider(f"palmette-{service}", endpoint)
    tracer = provider.get_tracer(__name__)

    def note_lost(lost: LostAttempt) -> None:
        ended = EndedAttempt(
            job=str(JobName(service, lost.job_id)),
            plugin=lost.plugin,
            attempt=lost.attempt,
            state=lost.transition.after.name,
            failure=lost.cause,
            traceparent=lost.traceparent,
            start_ns=lost.start_time_us * 1000,
            end_ns=time.time_ns(),
        )
        make_spans(tracer, ended)

    return ServiceTracing(endpoint, [TraceInterceptor(tracer)], note_lost, provider.shutdown)
