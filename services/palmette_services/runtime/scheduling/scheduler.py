"""Starting the next job whenever there is room for one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import DBAPIError

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.database import Database
from palmette_services.runtime.executors.executor import Executor, WorkerLaunch
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.names import JobName
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.scheduling.attempt import Attempt
from palmette_services.runtime.scheduling.attempts import Attempts
from palmette_services.runtime.scheduling.capacity import demand_of, waiting_reason
from palmette_services.runtime.scheduling.leases import Claim, Lease, claim_next, store_handle

_LOOK_S = 1.0  # jobs that another replica queued are found this late
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WorkerDefaults:
    """What every worker is told: where the service listens, the cores of a job that does not ask, where traces go."""

    endpoint: str
    cpu: float
    otlp_endpoint: str = ""


class Scheduler:
    """Claims queued jobs, best first, and hands them to the executor.

    Attributes:
        on_claimed: Called with every claim.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        jobs: JobQueue,
        attempts: Attempts,
        executor: Executor,
        files: JobFiles,
        lease: Lease,
        defaults: WorkerDefaults,
    ) -> None:
        self._service = service
        self._database = database
        self._jobs = jobs
        self._attempts = attempts
        self._executor = executor
        self._files = files
        self._lease = lease
        self._defaults = defaults
        self._wake = asyncio.Event()
        self.on_claimed: Callable[[Claim], None] = lambda _claim: None

    def wake(self) -> None:
        """Look again now: a job was queued, or capacity became free."""
        self._wake.set()

    def waiting_reason(self, job: job_pb2.Job) -> str:
        """Return why a queued job does not run yet."""
        demand = demand_of(job.resources, self._defaults.cpu)
        return waiting_reason(demand, self._attempts.free, self._executor.capacity)

    async def run(self) -> None:
        """Schedule until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._start_what_fits()
            except DBAPIError as error:
                _log.error("cannot schedule: the database does not answer", error=str(error.orig))
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _start_what_fits(self) -> None:
        free = self._attempts.free
        if free.slots <= 0:
            return
        made = [secrets.token_urlsafe(32) for _ in range(free.slots)]
        leaving = self._attempts.ids
        claiming = self._database.write(
            lambda connection: claim_next(connection, free, self._defaults.cpu, self._lease, made, leaving)
        )
        for claim in await claiming:
            self.on_claimed(claim)
            self._start(claim)
            self._jobs.feed.publish(claim.job_id)

    def _start(self, claim: Claim) -> None:
        demand = demand_of(claim.resources, self._defaults.cpu)
        gpus = self._attempts.free_gpus(demand.gpus)
        attempt = Attempt(claim.job_id, claim.attempt, demand, gpus)
        launch = WorkerLaunch(
            job=str(JobName(self._service, claim.job_id)),
            attempt=claim.attempt,
            secret=claim.secret,
            endpoint=self._defaults.endpoint,
            lease_s=self._lease.duration_s,
            cpu=demand.cpu,
            gpus=gpus,
            memory_bytes=demand.memory_bytes,
            log_path=str(self._files.log_path(claim.job_id, claim.attempt)),
            otlp_endpoint=self._defaults.otlp_endpoint,
            traceparent=claim.traceparent,
        )
        _log.info("starting", job=claim.job_id, attempt=claim.attempt)
        self._attempts.add(attempt, lambda: self._launch(launch, claim, attempt))

    async def _launch(self, launch: WorkerLaunch, claim: Claim, attempt: Attempt) -> str:
        handle = await self._executor.start(launch)
        attempt.hear()  # starting may have taken long, if the forkserver was just loading torch
        await self._database.write(
            lambda connection: store_handle(connection, claim.job_id, claim.attempt, handle, self._lease)
        )
        return handle
