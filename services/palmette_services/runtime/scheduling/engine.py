"""Everything that runs jobs, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import grpc

from palmette_protos.worker.v1 import worker_pb2_grpc
from palmette_services.runtime.clock import now_us
from palmette_services.runtime.database import Database
from palmette_services.runtime.executors.executor import Executor
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.jobs.states import Transition
from palmette_services.runtime.observability.metrics import ServiceMetrics
from palmette_services.runtime.observability.traces import OFF, ServiceTracing
from palmette_services.runtime.scheduling.attempt import Patience
from palmette_services.runtime.scheduling.attempts import Attempts
from palmette_services.runtime.scheduling.leases import Claim, Lease
from palmette_services.runtime.scheduling.recovery import Recovery
from palmette_services.runtime.scheduling.scheduler import Scheduler, WorkerDefaults
from palmette_services.runtime.scheduling.worker_servicer import WorkerServicer
from palmette_services.runtime.settings import ServiceSettings

ListOutputs = Callable[[str], Awaitable[frozenset[str]]]


class JobEngine:
    """Scheduler, running attempts, recovery, and the servicer that workers talk to."""

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        database: Database,
        jobs: JobQueue,
        executor: Executor,
        files: JobFiles,
        metrics: ServiceMetrics,
        list_outputs: ListOutputs,
        tracing: ServiceTracing = OFF,
    ) -> None:
        lease = Lease(settings.listen, settings.lease_s)
        patience = Patience(settings.lease_s, settings.cancel_grace_s)
        defaults = WorkerDefaults(worker_endpoint(settings.listen), settings.job_cpu, tracing.endpoint)
        self.attempts = Attempts(database, jobs, executor, patience, settings.max_attempts)
        self.attempts.on_lost = tracing.note_lost
        self._scheduler = Scheduler(service, database, jobs, self.attempts, executor, files, lease, defaults)
        self._recovery = Recovery(database, self.attempts, executor, lease, settings.job_cpu)
        self._servicer = WorkerServicer(
            service, database, jobs.feed, self.attempts, files, lease, settings.artifact_store_url, list_outputs
        )
        self._metrics = metrics
        self._tasks: list[asyncio.Task[None]] = []
        self._connect(jobs)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Add the servicer that workers talk to."""
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(self._servicer, server)

    async def adopt(self) -> None:
        """Find what ran before a restart; call it before the server starts, so that workers are expected."""
        await self._recovery.adopt()

    async def run(self) -> None:
        """Schedule jobs and watch leases until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = [tasks.create_task(self._scheduler.run()), tasks.create_task(self._recovery.run())]

    async def drain(self) -> None:
        """Start nothing any more, tell workers to stop, and return when they have."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.attempts.drain()

    def _connect(self, jobs: JobQueue) -> None:
        jobs.on_queued = self._scheduler.wake
        jobs.on_cancel_requested = self.attempts.request_cancel
        jobs.waiting_reason = self._scheduler.waiting_reason
        self.attempts.on_free = self._scheduler.wake
        self.attempts.on_ended = self._count_end
        self._servicer.on_ended = self._count_end
        self._scheduler.on_claimed = self._count_claim

    def _count_end(self, transition: Transition) -> None:
        self._metrics.attempts.labels(transition.after.name).inc()
        self._scheduler.wake()

    def _count_claim(self, claim: Claim) -> None:
        if claim.attempt == 1:
            self._metrics.queue_seconds.observe((now_us() - claim.create_time_us) / 1e6)


def worker_endpoint(listen: str) -> str:
    """Return where workers on this machine reach a server that listens at `listen`."""
    host, _, port = listen.rpartition(":")
    return f"127.0.0.1:{port}" if host in ("0.0.0.0", "[::]", "") else listen
