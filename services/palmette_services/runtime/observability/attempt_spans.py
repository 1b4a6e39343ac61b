"""The spans of one attempt of a job, in the trace of whoever submitted the job.

They are made when the attempt has ended, by its worker, or by the service if the worker was lost: a job waits for
nothing, and what killed a worker is in the trace too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


@dataclass(frozen=True)
class EndedAttempt:
    """What is known of an attempt at its end. Times are nanoseconds since 1970.

    Attributes:
        job: Name of the job.
        plugin: What it ran.
        attempt: Which attempt it was.
        state: Name of the job's state that it led to.
        failure: Why it failed; empty if it did not.
        traceparent: The call that submitted the job; empty if that was not traced.
        start_ns: When it started.
        end_ns: When it ended.
        phases: Names of its phases in order, each with its start.
    """

    job: str
    plugin: str
    attempt: int
    state: str
    failure: str
    traceparent: str
    start_ns: int
    end_ns: int
    phases: Sequence[tuple[str, int]] = ()


def make_spans(tracer: trace.Tracer, ended: EndedAttempt) -> None:
    """Make the span of an attempt and those of its phases."""
    submitted = TraceContextTextMapPropagator().extract({"traceparent": ended.traceparent})
    attributes: dict[str, str | int] = {
        "palmette.job": ended.job,
        "palmette.plugin": ended.plugin,
        "palmette.attempt": ended.attempt,
        "palmette.state": ended.state,
    }
    kind = trace.SpanKind.CONSUMER
    span = tracer.start_span(f"job {ended.plugin}", submitted, kind, attributes, start_time=ended.start_ns)
    inside = trace.set_span_in_context(span)
    ends = [start_ns for _, start_ns in ended.phases[1:]] + [ended.end_ns]
    for (name, start_ns), end_ns in zip(ended.phases, ends, strict=False):
        tracer.start_span(name, inside, start_time=start_ns).end(end_ns)
    if ended.failure:
        span.set_status(trace.StatusCode.ERROR, ended.failure)
    span.end(ended.end_ns)
