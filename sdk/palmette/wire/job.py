"""Jobs and their events."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from palmette.types import (
    ArtifactCommitted,
    ArtifactName,
    FigureShown,
    JobEvent,
    JobInfo,
    JobState,
    LogLine,
    MetricReported,
    Outputs,
    Progress,
    ProgressMade,
    Resources,
    Severity,
    StateChanged,
)
from palmette.wire.failure import failure_from
from palmette.wire.scalars import duration_from, enum_from, mapping_from, time_from
from palmette_protos.v1 import job_pb2


def job_from(job: job_pb2.Job) -> JobInfo:
    """Return a job."""
    return JobInfo(
        name=job.name,
        plugin=job.plugin,
        state=state_from(job.state),
        inputs={name: tuple(value.references) for name, value in job.inputs.items()},
        config=mapping_from(job.config),
        labels=dict(job.labels),
        priority=job.priority,
        resources=Resources(job.resources.gpus, job.resources.cpu, job.resources.memory_bytes, job.resources.nodes),
        attempt=job.attempt,
        progress=progress_from(job.progress),
        create_time=time_from(job, "create_time"),
        start_time=time_from(job, "start_time"),
        end_time=time_from(job, "end_time"),
        outputs=Outputs(
            {output: tuple(ArtifactName(name) for name in value.names) for output, value in job.outputs.items()}
        ),
        failure=failure_from(job.error) if job.HasField("error") else None,
        parent=job.parent,
        user=job.user,
        metrics=dict(job.metrics),
        seed=job.seed if job.HasField("seed") else None,
        waiting_reason=job.waiting_reason,
        last_sequence=job.last_sequence,
        request_id=job.request_id,
        cancel_requested=job.cancel_requested,
    )


def state_from(state: int) -> JobState:
    """Return a job's state; a job that was only validated has none and counts as queued."""
    if state == job_pb2.JOB_STATE_UNSPECIFIED:
        return JobState.QUEUED
    return enum_from(job_pb2.JobState, state, "JOB_STATE_", JobState)


def progress_from(progress: job_pb2.Progress) -> Progress:
    """Return how far a job is."""
    return Progress(progress.fraction, progress.message, duration_from(progress, "eta"))


def event_from(event: job_pb2.JobEvent) -> JobEvent:
    """Return an event as its own type; one of a kind that this SDK does not know comes as a bare `JobEvent`."""
    where = (event.sequence, time_from(event, "time") or datetime.fromtimestamp(0, UTC), event.attempt)
    match event.WhichOneof("event"):
        case "state":
            return StateChanged(*where, state_from(event.state.state), event.state.reason)
        case "progress":
            return ProgressMade(*where, progress_from(event.progress))
        case "metric":
            step = event.metric.step if event.metric.HasField("step") else None
            return MetricReported(*where, event.metric.name, event.metric.value, step)
        case "log":
            severity = enum_from(job_pb2.LogSeverity, event.log.severity, "LOG_SEVERITY_", Severity)
            return LogLine(*where, severity, event.log.text)
        case "figure":
            return FigureShown(*where, event.figure.name, json.loads(event.figure.vega_lite_json))
        case "artifact":
            name = ArtifactName(event.artifact.artifact)
            return ArtifactCommitted(*where, event.artifact.output, name, event.artifact.kind)
        case _:
            return JobEvent(*where)
