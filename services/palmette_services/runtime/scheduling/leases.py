"""Owning a job: claiming, proving, renewing and losing it, as writes to the database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.clock import now_us
from palmette_services.runtime.jobs.states import JobState, Transition
from palmette_services.runtime.jobs.tables import JobRow
from palmette_services.runtime.jobs.transitions import apply_transition
from palmette_services.runtime.scheduling.capacity import Capacity, demand_of, fitting

_LOOKED_AT = 200  # queued jobs that are looked at for one that fits


@dataclass(frozen=True)
class Lease:
    """Who owns jobs, and for how long after a sign of life, in seconds."""

    owner: str
    duration_s: float

    def expiry_us(self) -> int:
        """Return when a lease that is renewed now runs out."""
        return now_us() + int(self.duration_s * 1e6)


@dataclass(frozen=True)
class Claim:
    """A job that was just claimed for its next attempt."""

    job_id: str
    attempt: int
    resources: job_pb2.Resources
    create_time_us: int
    secret: str
    traceparent: str = ""


def secret_hash(secret: str) -> bytes:
    """Return what is stored of a secret (256 random bits need no slow hash)."""
    return hashlib.sha256(secret.encode()).digest()


def secret_matches(secret: str, stored: bytes | None) -> bool:
    """Tell whether a worker's secret is the stored one."""
    return stored is not None and hmac.compare_digest(secret_hash(secret), stored)


async def claim_next(
    connection: AsyncConnection,
    free: Capacity,
    default_cpu: float,
    lease: Lease,
    secrets: Sequence[str],
    leaving: Sequence[str] = (),
) -> list[Claim]:
    """Claim the jobs that fit into `free`, best first, at most one for each secret.

    `leaving` are jobs whose last worker still exits: retried at once, they wait until its process is gone.
    """
    columns = (JobRow.id, JobRow.attempt, JobRow.gpus, JobRow.cpu, JobRow.memory_bytes, JobRow.create_time_us)
    waiting = (
        select(*columns, JobRow.traceparent)
        .where(JobRow.state == JobState.QUEUED.value, JobRow.id.not_in(leaving))
        .order_by(JobRow.priority.desc(), JobRow.id)
        .limit(_LOOKED_AT)
        .with_for_update(skip_locked=True)  # PostgreSQL: another replica takes other jobs meanwhile
    )
    rows = {row.id: row for row in await connection.execute(waiting)}
    demands = [(row.id, demand_of(resources_of(row), default_cpu)) for row in rows.values()]
    claims = []
    for job_id, secret in zip(fitting(demands, free), secrets, strict=False):
        row = rows[job_id]
        claimed = await apply_transition(
            connection,
            job_id,
            row.attempt,
            Transition(JobState.QUEUED, JobState.RUNNING),
            {
                "attempt": row.attempt + 1,
                "start_time_us": now_us(),
                "lease_owner": lease.owner,
                "lease_expires_us": lease.expiry_us(),
                "lease_secret_hash": secret_hash(secret),
                "worker_sequence": 0,
                "progress_fraction": 0.0,
                "progress_message": "",
                "progress_eta_s": None,
            },
        )
        if claimed:
            resources, trace = resources_of(row), row.traceparent or ""
            claims.append(Claim(job_id, row.attempt + 1, resources, row.create_time_us, secret, trace))
    return claims


async def store_handle(connection: AsyncConnection, job_id: str, attempt: int, handle: str, lease: Lease) -> None:
    """Store the executor's name for the worker of an attempt; its lease counts from now."""
    values = {"worker_handle": handle, "lease_expires_us": lease.expiry_us()}
    await connection.execute(update(JobRow).where(*owned_by(job_id, attempt)).values(values))


async def running_jobs(connection: AsyncConnection, owner: str) -> list[Any]:
    """Return the rows of the jobs that run under a lease of `owner`."""
    statement = select(JobRow.__table__).where(JobRow.state == JobState.RUNNING.value, JobRow.lease_owner == owner)
    return list((await connection.execute(statement)).all())


async def expired_jobs(connection: AsyncConnection, margin_s: float, known: Iterable[str]) -> list[Any]:
    """Return the rows of running jobs whose lease ran out `margin_s` ago, except the `known` ones."""
    statement = select(JobRow.__table__).where(
        JobRow.state == JobState.RUNNING.value,
        JobRow.lease_expires_us < now_us() - int(margin_s * 1e6),
        JobRow.id.not_in(list(known)),
    )
    return list((await connection.execute(statement)).all())


def owned_by(job_id: str, attempt: int) -> tuple[Any, ...]:
    """Return the conditions under which an attempt still owns its job."""
    return (JobRow.id == job_id, JobRow.state == JobState.RUNNING.value, JobRow.attempt == attempt)


def resources_of(row: Any) -> job_pb2.Resources:
    """Return what the job of a row asked for."""
    return job_pb2.Resources(gpus=row.gpus, cpu=row.cpu, memory_bytes=row.memory_bytes)
