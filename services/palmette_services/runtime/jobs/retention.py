"""Deleting old jobs with all that belongs to them."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_services.runtime.clock import now_us
from palmette_services.runtime.database import Database
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import JobRow

_PERIOD_S = 600.0
_AT_ONCE = 200
_DAY_US = 86_400_000_000
_ENDED = [state.value for state in JobState if state.ended]
_log = structlog.get_logger(__name__)


async def delete_old_jobs(database: Database, files: JobFiles, retention_days: float) -> int:
    """Delete jobs that ended more than `retention_days` ago, with their checkpoints; return how many."""
    before_us = now_us() - int(retention_days * _DAY_US)
    deleted = 0
    while True:
        old = select(JobRow.id).where(JobRow.end_time_us < before_us, JobRow.state.in_(_ENDED)).limit(_AT_ONCE)
        async with database.read() as connection:
            ids = list((await connection.execute(old)).scalars())
        for job_id in ids:  # files first: what is lost in between is found again by its row
            await asyncio.to_thread(files.remove, job_id)
        await database.write(lambda connection, ids=ids: _delete(connection, ids))  # type: ignore[misc]
        deleted += len(ids)
        if len(ids) < _AT_ONCE:
            return deleted


async def _delete(connection: AsyncConnection, ids: list[str]) -> None:
    await connection.execute(delete(JobRow).where(JobRow.id.in_(ids), JobRow.state.in_(_ENDED)))


async def keep_tidy(database: Database, files: JobFiles, retention_days: float) -> None:
    """Delete old jobs every few minutes until cancelled."""
    while True:
        try:
            deleted = await delete_old_jobs(database, files, retention_days)
        except DBAPIError as error:
            _log.warning("cannot delete old jobs", error=str(error.orig))
        else:
            if deleted:
                _log.info("deleted old jobs", number=deleted, retention_days=retention_days)
        await asyncio.sleep(_PERIOD_S)
