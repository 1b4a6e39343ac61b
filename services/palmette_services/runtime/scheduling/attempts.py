"""The attempts that run under this service: supervised from start to the end of their process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_services.runtime.clock import now_us
from palmette_services.runtime.database import Database
from palmette_services.runtime.database.group_commit import Write
from palmette_services.runtime.executors.executor import Executor, WorkerExit
from palmette_services.runtime.jobs.failures import JobFailure
from palmette_services.runtime.jobs.log_tail import read_log_tail
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.jobs.states import Transition, on_crash, on_fault
from palmette_services.runtime.jobs.tables import JobRow
from palmette_services.runtime.jobs.transitions import apply_transition
from palmette_services.runtime.scheduling.attempt import Attempt, Patience, StopKind, wait_until_overdue
from palmette_services.runtime.scheduling.capacity import Capacity
from palmette_services.runtime.scheduling.leases import owned_by

_RETRY_S = 1.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LostAttempt:
    """An attempt whose worker ended without saying how: why, and the job's transition that followed."""

    job_id: str
    attempt: int
    plugin: str
    transition: Transition
    cause: str
    start_time_us: int
    traceparent: str


class Attempts:
    """Running attempts by job.

    An attempt holds its part of the capacity until its process has ended, not only until it said so: the next
    worker must find the memory free.

    Attributes:
        on_free: Called when capacity became free.
        on_ended: Called with the transition that the end of a worker led to.
        on_lost: Called with what is known of an attempt whose worker did not report its end.
    """

    def __init__(
        self, database: Database, jobs: JobQueue, executor: Executor, patience: Patience, most_attempts: int
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._executor = executor
        self._patience = patience
        self._most_attempts = most_attempts
        self._running: dict[str, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_free: Callable[[], None] = lambda: None
        self.on_ended: Callable[[Transition], None] = lambda _transition: None
        self.on_lost: Callable[[LostAttempt], None] = lambda _lost: None

    @property
    def free(self) -> Capacity:
        """What is left of the executor's capacity."""
        free = self._executor.capacity
        for attempt in self._running.values():
            free = free.without(attempt.demand)
        return free

    @property
    def ids(self) -> list[str]:
        """Ids of the jobs that run here."""
        return list(self._running)

    def free_gpus(self, number: int) -> tuple[int, ...]:
        """Return the indices of GPUs that no attempt uses."""
        used = {index for attempt in self._running.values() for index in attempt.gpus}
        return tuple(index for index in range(self._executor.capacity.gpus) if index not in used)[:number]

    def get(self, job_id: str, number: int) -> Attempt | None:
        """Return a running attempt."""
        attempt = self._running.get(job_id)
        return attempt if attempt is not None and attempt.number == number else None

    def add(self, attempt: Attempt, start: Callable[[], Awaitable[str]]) -> None:
        """Take an attempt over: `start` returns the handle of its worker."""
        self._running[attempt.job_id] = attempt
        task = asyncio.create_task(self._supervise(attempt, start), name=f"attempt {attempt.job_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def request_cancel(self, job_id: str, reason: str) -> None:
        """Tell the worker of a job to stop, if it runs here."""
        attempt = self._running.get(job_id)
        if attempt is not None:
            attempt.request_stop(StopKind.CANCEL, reason)

    async def drain(self) -> None:
        """Tell all workers to stop, and return when they have; their jobs go back into the queue."""
        for attempt in self._running.values():
            attempt.request_stop(StopKind.DRAIN, "the service is stopping")
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _supervise(self, attempt: Attempt, start: Callable[[], Awaitable[str]]) -> None:
        log = _log.bind(job=attempt.job_id, attempt=attempt.number)
        try:
            ended = await self._until_exit(attempt, start)
            await self._store_loss(attempt, ended)
        except Exception:
            log.exception("supervision failed; the job's lease will run out")
        finally:
            del self._running[attempt.job_id]
            self.on_free()

    async def _until_exit(self, attempt: Attempt, start: Callable[[], Awaitable[str]]) -> WorkerExit:
        try:
            attempt.handle = await self._start_unless_stopped(attempt, start)
        except OSError as error:
            return WorkerExit(f"the worker could not be started: {error}", "see the service's log")
        attempt.ready.set()
        if not attempt.handle:  # no worker is told what to run before its handle is stored
            return WorkerExit("stopped while its worker was started", never_ran=True)
        exited = asyncio.ensure_future(self._executor.wait(attempt.handle))
        overdue = asyncio.ensure_future(wait_until_overdue(attempt, self._patience))
        try:
            await asyncio.wait({exited, overdue}, return_when=asyncio.FIRST_COMPLETED)
            if exited.done():
                return exited.result()
            await self._executor.kill(attempt.handle)
            tail = (await exited).output_tail
            return WorkerExit(overdue.result().cause, overdue.result().advice, tail)
        finally:
            overdue.cancel()

    async def _start_unless_stopped(self, attempt: Attempt, start: Callable[[], Awaitable[str]]) -> str:
        """Return the handle of the worker; none if the attempt was stopped and the start takes too long for that.

        A worker that starts after all finds that nobody expects it, and ends.
        """
        starting = asyncio.ensure_future(start())
        stop = asyncio.ensure_future(attempt.stop_requested())
        try:
            await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({starting}, timeout=self._patience.stop_grace_s)
            return starting.result() if starting.done() else ""
        finally:
            for task in (starting, stop):
                task.cancel()
            await asyncio.gather(starting, stop, return_exceptions=True)

    async def _store_loss(self, attempt: Attempt, ended: WorkerExit) -> None:
        """Store what follows from the end of the process, unless the worker reported its end itself."""

        async def write(connection: AsyncConnection) -> LostAttempt | None:
            return await self._lose(connection, attempt, ended)

        lost = await self._write_patiently(write)
        if lost is not None:
            _log.warning("worker lost", job=attempt.job_id, attempt=attempt.number, cause=ended.cause)
            self.on_ended(lost.transition)
            self.on_lost(lost)
            self._jobs.feed.publish(attempt.job_id)

    async def _write_patiently(self, write: Write[LostAttempt | None]) -> LostAttempt | None:
        """Write until it works: the database may be full or away, and the truth must still get there."""
        while True:
            try:
                return await self._database.write(write)
            except DBAPIError as error:
                _log.error("cannot store the end of a worker", error=str(error.orig))
                await asyncio.sleep(_RETRY_S)

    async def _lose(self, connection: AsyncConnection, attempt: Attempt, ended: WorkerExit) -> LostAttempt | None:
        stop = (JobRow.crashes, JobRow.cancel_requested, JobRow.cancel_reason)
        owned = select(*stop, JobRow.plugin, JobRow.start_time_us, JobRow.traceparent).where(
            *owned_by(attempt.job_id, attempt.number)
        )
        row = (await connection.execute(owned)).one_or_none()
        if row is None:
            return None
        tail = await read_log_tail(connection, attempt.job_id, ended.output_tail)
        cause = ended.cause or "the worker ended without a word"
        cancel_reason = row.cancel_reason if row.cancel_requested else None
        if ended.fault is not None:
            transition = on_fault(replace(ended.fault, log_tail=tail), cancel_reason=cancel_reason)
        else:
            transition = on_crash(
                JobFailure(cause, "WorkerLost", tail, ended.advice or "see the end of its log"),
                crashes=row.crashes,
                most_attempts=self._most_attempts,
                cancel_reason=cancel_reason,
                stopping=attempt.draining or ended.never_ran,
            )
        await apply_transition(connection, attempt.job_id, attempt.number, transition)
        start_us, trace = row.start_time_us or now_us(), row.traceparent or ""
        return LostAttempt(attempt.job_id, attempt.number, row.plugin, transition, cause, start_us, trace)
