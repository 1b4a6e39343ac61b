"""What a worker contributes to the trace of its job: one span with its phases, sent at its end."""

from __future__ import annotations

import time

from palmette_protos.v1 import job_pb2
from palmette_protos.worker.v1 import worker_pb2
from palmette_services.runtime.executors.executor import WorkerLaunch


class AttemptTrace:
    """Notes when the phases of an attempt began. Nothing of OpenTelemetry is used before it ended."""

    def __init__(self, launch: WorkerLaunch) -> None:
        self._launch = launch
        self._phases: list[tuple[str, int]] = []

    def enter(self, phase: str) -> None:
        """Begin a phase, which ends the one before."""
        self._phases.append((phase, time.time_ns()))

    def send(self, start: worker_pb2.Start, finished: worker_pb2.Finished) -> None:
        """Send the spans, if there is a collector."""
        if not self._launch.otlp_endpoint:
            return
        from palmette_services.runtime.observability.attempt_spans import EndedAttempt, make_spans
        from palmette_services.runtime.observability.collector import open_provider

        service = start.plugin_group.rsplit(".", 1)[-1]
        provider = open_provider(f"palmette-{service}-worker", self._launch.otlp_endpoint)
        ended = EndedAttempt(
            job=start.job,
            plugin=start.plugin,
            attempt=start.attempt,
            state=job_pb2.JobState.Name(finished.state).removeprefix("JOB_STATE_"),
            failure=finished.error.message,
            traceparent=self._launch.traceparent,
            start_ns=self._phases[0][1],
            end_ns=time.time_ns(),
            phases=self._phases,
        )
        make_spans(provider.get_tracer(__name__), ended)
        provider.shutdown()
