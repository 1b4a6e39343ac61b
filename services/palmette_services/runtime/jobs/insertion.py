"""Storing an accepted job: once per request id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from ulid import ULID

from palmette_plugins.api.errors import AlreadyExists
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.clock import now_us
from palmette_services.runtime.jobs.events import insert_events, state_event
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import JobRow, LabelRow
from palmette_services.runtime.jobs.upsert import insert


@dataclass(frozen=True)
class NewJob:
    """An accepted job that is not stored yet: its message, who sent it, and the digest of what was sent."""

    job: job_pb2.Job
    user: str
    request_id: str
    digest: bytes


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


async def insert_job(connection: AsyncConnection, new: NewJob) -> str:
    """Store a job as QUEUED with its first event, or find the one of the same request; return its id."""
    row = job_row(new)
    statement = insert(connection, JobRow).values(row).on_conflict_do_nothing(index_elements=["request_id"])
    if (await connection.execute(statement.returning(JobRow.id))).scalar_one_or_none() is None:
        existing = await find_by_request(connection, new)
        if existing is None:
            raise RuntimeError(f"request_id '{new.request_id}' conflicts with a job that is not there")
        return existing
    await insert_events(connection, row["id"], [state_event(JobState.QUEUED)], first=1)
    if new.job.labels:
        labels = [{"job_id": row["id"], "key": key, "value": value} for key, value in new.job.labels.items()]
        await connection.execute(insert(connection, LabelRow), labels)
    return str(row["id"])


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
        "create_time_us": created,
        "last_sequence": 1,
    }
