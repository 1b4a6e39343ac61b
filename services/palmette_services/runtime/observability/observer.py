"""Keeping the gauges true."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from palmette_services.runtime.database import Database
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import JobRow
from palmette_services.runtime.observability.metrics import ServiceMetrics
from palmette_services.runtime.scheduling.attempts import Attempts

_PERIOD_S = 5.0
_log = structlog.get_logger(__name__)


async def observe(metrics: ServiceMetrics, database: Database, jobs: JobQueue, attempts: Attempts, slots: int) -> None:
    """Set the gauges every few seconds until cancelled."""
    metrics.slots.set(slots)
    while True:
        metrics.slots_busy.set(slots - attempts.free.slots)
        metrics.watchers.set(jobs.feed.watchers)
        try:
            counts = await _count_jobs(database)
        except DBAPIError as error:
            _log.warning("cannot count jobs", error=str(error.orig))
        else:
            for state in JobState:
                metrics.jobs.labels(state.name).set(counts.get(state.value, 0))
        await asyncio.sleep(_PERIOD_S)


async def _count_jobs(database: Database) -> dict[int, int]:
    async with database.read() as connection:
        rows = await connection.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
        return dict(row.tuple() for row in rows)
