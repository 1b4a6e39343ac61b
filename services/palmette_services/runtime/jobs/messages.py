"""From rows to ``palmette.v1.Job``: the one place that converts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from google.protobuf import duration_pb2
from google.rpc import status_pb2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.clock import timestamp
from palmette_services.runtime.jobs.names import JobName
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import MetricRow, OutputRow

WaitingReason = Callable[[job_pb2.Job], str]


async def job_messages(
    connection: AsyncConnection, service: str, rows: Sequence[Any], waiting_reason: WaitingReason
) -> list[job_pb2.Job]:
    """Return the messages of job rows, in order, with their outputs and last metrics."""
    ids = [row.id for row in rows]
    metrics: defaultdict[str, dict[str, float]] = defaultdict(dict)
    outputs: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    if ids:
        for metric in await connection.execute(select(MetricRow).where(MetricRow.job_id.in_(ids))):
            metrics[metric.job_id][metric.name] = math.nan if metric.value is None else metric.value
        stored = select(OutputRow).where(OutputRow.job_id.in_(ids)).order_by(OutputRow.output, OutputRow.position)
        for output in await connection.execute(stored):
            outputs[output.job_id].setdefault(output.output, []).append(output.artifact)
    return [_message(service, row, metrics[row.id], outputs[row.id], waiting_reason) for row in rows]


def queued_message(service: str, row: dict[str, Any], waiting_reason: WaitingReason) -> job_pb2.Job:
    """Return the message of a job that was stored just now."""
    return _message(service, SimpleNamespace(**row), {}, {}, waiting_reason)


def _message(
    service: str,
    row: Any,
    metrics: dict[str, float],
    outputs: dict[str, list[str]],
    waiting_reason: WaitingReason,
) -> job_pb2.Job:
    job = job_pb2.Job.FromString(row.submitted)
    job.name = str(JobName(service, row.id))
    job.state = row.state
    job.attempt = row.attempt
    job.user = row.user
    job.request_id = row.request_id or ""
    job.last_sequence = row.last_sequence
    job.cancel_requested = row.cancel_requested
    job.create_time.CopyFrom(timestamp(row.create_time_us))
    if row.start_time_us is not None:
        job.start_time.CopyFrom(timestamp(row.start_time_us))
        job.progress.CopyFrom(_progress(row))
    if row.end_time_us is not None:
        job.end_time.CopyFrom(timestamp(row.end_time_us))
    if row.error is not None:
        job.error.CopyFrom(status_pb2.Status.FromString(row.error))
    for name, value in metrics.items():
        job.metrics[name] = value
    for output, artifacts in outputs.items():
        job.outputs[output].names.extend(artifacts)
    if row.state == JobState.QUEUED:
        job.waiting_reason = waiting_reason(job)
    return job


def _progress(row: Any) -> job_pb2.Progress:
    progress = job_pb2.Progress(fraction=row.progress_fraction, message=row.progress_message)
    if row.progress_eta_s is not None and row.state == JobState.RUNNING:
        eta = duration_pb2.Duration()
        eta.FromNanoseconds(int(row.progress_eta_s * 1e9))
        progress.eta.CopyFrom(eta)
    return progress
