"""Storing what a worker reports: once each, in order, in one transaction with what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_plugins.api.errors import FailedPrecondition
from palmette_protos.v1 import job_pb2
from palmette_protos.worker.v1 import worker_pb2
from palmette_services.runtime.jobs.events import insert_events, job_columns, store_metrics, store_outputs
from palmette_services.runtime.jobs.failures import JobFailure
from palmette_services.runtime.jobs.states import JobState, Transition, on_finish
from palmette_services.runtime.jobs.tables import JobRow
from palmette_services.runtime.jobs.transitions import apply_transition
from palmette_services.runtime.scheduling.leases import Lease, owned_by


@dataclass(frozen=True)
class Reports:
    """What one worker sent since its last batch: events in order, then perhaps its end."""

    job_id: str
    attempt: int
    events: Sequence[worker_pb2.WorkerEvent]
    finished: worker_pb2.Finished | None
    stopping: bool


@dataclass(frozen=True)
class Stored:
    """What is stored now: everything up to `worker_sequence`, and whether someone asked the job to stop."""

    worker_sequence: int
    cancel_reason: str | None
    ended: Transition | None


async def store_reports(
    connection: AsyncConnection, reports: Reports, lease: Lease, list_outputs: frozenset[str]
) -> Stored:
    """Store a batch and renew the lease. Events that are stored already are dropped.

    Raises:
        FailedPrecondition: The attempt does not own the job any more.
    """
    owned = owned_by(reports.job_id, reports.attempt)
    columns = (JobRow.worker_sequence, JobRow.last_sequence, JobRow.cancel_requested, JobRow.cancel_reason)
    row = (await connection.execute(select(*columns).where(*owned).with_for_update())).one_or_none()
    if row is None:
        raise FailedPrecondition(f"attempt {reports.attempt} does not own job {reports.job_id} any more")
    events = _new_events(reports, row.worker_sequence)
    values = {
        "lease_owner": lease.owner,
        "lease_expires_us": lease.expiry_us(),
        "worker_sequence": row.worker_sequence + len(events),
        "last_sequence": row.last_sequence + len(events),
        **job_columns(events),
    }
    await connection.execute(update(JobRow).where(*owned).values(values))
    if events:
        await insert_events(connection, reports.job_id, events, first=row.last_sequence + 1)
        await store_metrics(connection, reports.job_id, events)
        await store_outputs(connection, reports.job_id, events, list_outputs)
    cancel_reason = row.cancel_reason if row.cancel_requested else None
    ended = await _end(connection, reports, cancel_reason) if reports.finished else None
    return Stored(row.worker_sequence + len(events), cancel_reason, ended)


def _new_events(reports: Reports, stored: int) -> list[job_pb2.JobEvent]:
    """Return the events that are not stored yet; raise if one between them is missing."""
    new = [report for report in reports.events if report.attempt_sequence > stored]
    if [report.attempt_sequence for report in new] != list(range(stored + 1, stored + 1 + len(new))):
        raise FailedPrecondition(f"events of job {reports.job_id} are missing after {stored}")
    for report in new:
        report.event.attempt = reports.attempt
    return [report.event for report in new]


async def _end(connection: AsyncConnection, reports: Reports, cancel_reason: str | None) -> Transition:
    finished = reports.finished
    if finished is None:
        raise ValueError("there is no end to store")
    failure = JobFailure.from_status(finished.error) if finished.HasField("error") else None
    transition = on_finish(JobState(finished.state), failure, cancel_reason=cancel_reason, stopping=reports.stopping)
    await apply_transition(connection, reports.job_id, reports.attempt, transition)
    return transition
