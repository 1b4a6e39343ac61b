"""Finding again what ran before the service was restarted, and what nobody owns any more."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from palmette_services.runtime.clock import now_us
from palmette_services.runtime.database import Database
from palmette_services.runtime.executors.executor import Executor
from palmette_services.runtime.scheduling.attempt import Attempt
from palmette_services.runtime.scheduling.attempts import Attempts
from palmette_services.runtime.scheduling.capacity import demand_of
from palmette_services.runtime.scheduling.leases import Lease, expired_jobs, resources_of, running_jobs

_log = structlog.get_logger(__name__)


class Recovery:
    """Takes over running jobs that no attempt here supervises.

    * At the start: jobs under this service's own lease. A worker that still runs is adopted: it connects by
      itself and goes on. One that is gone is a crash, known at once.
    * Later: jobs whose lease ran out although nobody supervises them, such as those of a replica that died.
    """

    def __init__(
        self, database: Database, attempts: Attempts, executor: Executor, lease: Lease, default_cpu: float
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._executor = executor
        self._lease = lease
        self._default_cpu = default_cpu

    async def adopt(self) -> None:
        """Supervise the jobs that ran under this service before it was restarted."""
        async with self._database.read() as connection:
            rows = await running_jobs(connection, self._lease.owner)
        for row in rows:
            alive = bool(row.worker_handle) and await self._executor.alive(row.worker_handle)
            _log.info("found running job", job=row.id, attempt=row.attempt, worker_alive=alive)
            self._supervise(row)

    async def run(self) -> None:
        """Look for expired leases until cancelled."""
        while True:
            await asyncio.sleep(self._lease.duration_s / 5)
            try:
                await self._take_expired()
            except DBAPIError as error:
                _log.error("cannot look for expired leases", error=str(error.orig))

    async def _take_expired(self) -> None:
        # The margin covers a worker's own clock: it must have ended itself before its job is given away.
        margin_s = self._lease.duration_s / 5
        async with self._database.read() as connection:
            rows = await expired_jobs(connection, margin_s, self._attempts.ids)
        for row in rows:
            _log.warning("lease ran out", job=row.id, attempt=row.attempt, owner=row.lease_owner)
            self._supervise(row)

    def _supervise(self, row: Any) -> None:
        demand = demand_of(resources_of(row), self._default_cpu)
        gpus = self._executor.gpus(row.worker_handle) if row.worker_handle else ()
        attempt = Attempt(row.id, row.attempt, demand, gpus)
        if row.lease_expires_us is not None:  # silence counts from the last sign of life, restart or not
            attempt.heard_s += (row.lease_expires_us - now_us()) / 1e6 - self._lease.duration_s
        self._attempts.add(attempt, lambda: _stored(row.worker_handle))


async def _stored(handle: str) -> str:
    return handle
