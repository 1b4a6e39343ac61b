"""Storing an accepted job: once per request id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from ulid import ULID

from palmette_plugins.api.errors import AlreadyExists
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.clock import now_us, timestamp
from palmette_services.runtime.jobs.events import state_event
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import EventRow, JobRow, LabelRow
from palmette_services.runtime.jobs.upsert import insert


@dataclass(frozen=True)
class NewJob:
    """An accepted job that is not stored yet: its message, who sent it, the digest of that, and the caller's trace."""

    job: job_pb2.Job
    user: str
    request_id: str
    digest: bytes
    traceparent: str = ""


async def find_by_request(connection: AsyncConnection, new: NewJob) -> str | None:
    """Return the id of the job that was submitted under this request id before; None if there is none.

    Raises:
        AlreadyExists: Another job was submitted under it.
    """
    if not new.request_id:
        return None
    statement = select(JobRow.id, JobRow.request_digest).where(JobRow.request_id == new.request_id)
    found = (await connection.execute(statement)).one_or_none()
    if found is None:
        return None
    if found.request_digest != new.digest:
        raise AlreadyExists(
            f"request_id '{new.request_id}' was used for another job ({found.id}); use a new id for a new job"
        )
    return str(found.id)


@dataclass(frozen=True)
class Inserted:
    """What became of a job: its row if it was stored now, else the id of the one of the same request, or the error."""

    row: dict[str, Any] | None = None
    existing: str = ""
    error: AlreadyExists | None = None


async def insert_jobs(connection: AsyncConnection, new_jobs: Sequence[NewJob]) -> list[Inserted]:
    """Store jobs as QUEUED with their first events; one request id gives one job, in a batch too."""
    rows = [job_row(new) for new in new_jobs]
    await connection.execute(insert(connection, JobRow).on_conflict_do_nothing(index_elements=["request_id"]), rows)
    ids = [row["id"] for row in rows]
    stored = set((await connection.execute(select(JobRow.id).where(JobRow.id.in_(ids)))).scalars())
    await _insert_details(
        connection, [(row, new) for row, new in zip(rows, new_jobs, strict=True) if row["id"] in stored]
    )
    return [
        Inserted(row) if row["id"] in stored else await _existing(connection, new)
        for row, new in zip(rows, new_jobs, strict=True)
    ]


async def _insert_details(connection: AsyncConnection, stored: Sequence[tuple[dict[str, Any], NewJob]]) -> None:
    events, labels = [], []
    for row, new in stored:
        event = state_event(JobState.QUEUED)
        event.sequence = 1
        event.time.CopyFrom(timestamp(row["create_time_us"]))
        events.append({"job_id": row["id"], "sequence": 1, "payload": event.SerializeToString()})
        labels += [{"job_id": row["id"], "key": key, "value": value} for key, value in new.job.labels.items()]
    if events:
        await connection.execute(insert(connection, EventRow), events)
    if labels:
        await connection.execute(insert(connection, LabelRow), labels)


async def _existing(connection: AsyncConnection, new: NewJob) -> Inserted:
    try:
        existing = await find_by_request(connection, new)
    except AlreadyExists as error:
        return Inserted(error=error)
    if existing is None:
        raise RuntimeError(f"request_id '{new.request_id}' conflicts with a job that is not there")
    return Inserted(existing=existing)


def job_row(new: NewJob) -> dict[str, Any]:
    """Return the columns of a newly queued job."""
    created = now_us()
    return {
        "id": str(ULID.from_timestamp(created / 1_000_000)),
        "plugin": new.job.plugin,
        "user": new.user,
        "parent": new.job.parent,
        "priority": new.job.priority,
        "request_id": new.request_id or None,
        "request_digest": new.digest,
        "submitted": new.job.SerializeToString(),
        "gpus": new.job.resources.gpus,
        "cpu": new.job.resources.cpu,
        "memory_bytes": new.job.resources.memory_bytes,
        "state": JobState.QUEUED.value,
        "attempt": 0,
        "cancel_requested": False,
        "create_time_us": created,
        "start_time_us": None,
        "end_time_us": None,
        "error": None,
        "last_sequence": 1,
        "traceparent": new.traceparent or None,
    }
