"""The event store: a job's history, numbered without gaps, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.clock import now_us, timestamp
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import EventRow, MetricRow, OutputRow
from palmette_services.runtime.jobs.upsert import insert

PAGE = 500  # events read at a time


async def insert_events(
    connection: AsyncConnection, job_id: str, events: Sequence[job_pb2.JobEvent], first: int
) -> None:
    """Store events under the sequences `first`, `first` + 1, ..., which are already taken for them."""
    rows = []
    for sequence, event in enumerate(events, start=first):
        event.sequence = sequence
        if not event.HasField("time"):
            event.time.CopyFrom(timestamp(now_us()))
        rows.append({"job_id": job_id, "sequence": sequence, "payload": event.SerializeToString()})
    await connection.execute(insert(connection, EventRow), rows)


async def read_events(
    connection: AsyncConnection, job_id: str, after: int, limit: int = PAGE
) -> list[job_pb2.JobEvent]:
    """Return the events after a sequence, oldest first."""
    statement = (
        select(EventRow.payload)
        .where(EventRow.job_id == job_id, EventRow.sequence > after)
        .order_by(EventRow.sequence)
        .limit(limit)
    )
    return [job_pb2.JobEvent.FromString(payload) for payload in (await connection.execute(statement)).scalars()]


def state_event(state: JobState, reason: str = "", attempt: int = 0) -> job_pb2.JobEvent:
    """Return the event of a change of state."""
    value = cast("job_pb2.JobState.ValueType", state.value)
    return job_pb2.JobEvent(attempt=attempt, state=job_pb2.StateChange(state=value, reason=reason))


def job_columns(events: Sequence[job_pb2.JobEvent]) -> dict[str, Any]:
    """Return the columns of the job that these events change: the newest progress."""
    for event in reversed(events):
        if event.WhichOneof("event") == "progress":
            progress = event.progress
            return {
                "progress_fraction": progress.fraction,
                "progress_message": progress.message,
                "progress_eta_s": progress.eta.ToNanoseconds() / 1e9 if progress.HasField("eta") else None,
            }
    return {}


async def store_metrics(connection: AsyncConnection, job_id: str, events: Sequence[job_pb2.JobEvent]) -> None:
    """Keep the last value of every metric among the events."""
    measured = [event.metric for event in events if event.WhichOneof("event") == "metric"]
    last = {metric.name: None if math.isnan(metric.value) else metric.value for metric in measured}
    if last:
        statement = insert(connection, MetricRow)
        statement = statement.on_conflict_do_update(
            index_elements=["job_id", "name"], set_={"value": statement.excluded.value}
        )
        rows = [{"job_id": job_id, "name": name, "value": value} for name, value in last.items()]
        await connection.execute(statement, rows)


async def store_outputs(
    connection: AsyncConnection, job_id: str, events: Sequence[job_pb2.JobEvent], lists: frozenset[str]
) -> None:
    """Keep the artifacts among the events.

    `lists` names the outputs that hold several. An artifact of a single output takes the place of the one
    before: an attempt that resumes may commit again what a crashed one had committed.
    """
    for event in events:
        if event.WhichOneof("event") != "artifact":
            continue
        output, artifact = event.artifact.output, event.artifact.artifact
        if output not in lists:
            await connection.execute(delete(OutputRow).where(OutputRow.job_id == job_id, OutputRow.output == output))
        known = select(OutputRow.artifact).where(OutputRow.job_id == job_id, OutputRow.output == output)
        if artifact in (await connection.execute(known)).scalars().all():
            continue
        counted = select(func.count()).where(OutputRow.job_id == job_id, OutputRow.output == output)
        position = (await connection.execute(counted)).scalar_one()
        row = {"job_id": job_id, "output": output, "position": position, "artifact": artifact}
        await connection.execute(insert(connection, OutputRow).values(row))
