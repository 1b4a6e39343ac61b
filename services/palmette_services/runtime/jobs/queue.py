"""The job queue: what the API, and a service's own code, do with jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_plugins.api.errors import FailedPrecondition, NotFound, ResourceExhausted, Unavailable
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.database import Database
from palmette_services.runtime.database.batches import Batches
from palmette_services.runtime.jobs.acceptance import Acceptance
from palmette_services.runtime.jobs.events import PAGE, read_events
from palmette_services.runtime.jobs.feed import JobFeed
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.insertion import Inserted, NewJob, find_by_request, insert_jobs
from palmette_services.runtime.jobs.listing import JobQuery
from palmette_services.runtime.jobs.messages import WaitingReason, job_messages, queued_message
from palmette_services.runtime.jobs.names import JobName
from palmette_services.runtime.jobs.states import JobState, on_cancel, on_retry
from palmette_services.runtime.jobs.tables import JobRow
from palmette_services.runtime.jobs.transitions import apply_transition

_POLL_S = 1.0  # how late news from another replica may be
_COUNT_AGE_S = 0.5
CHECK_WITHIN_S = 50.0  # less than clients and gateways wait for a call, so that they get to know why
_log = structlog.get_logger(__name__)


class JobQueue:
    """Jobs of one service, in its database.

    Attributes:
        feed: Wakes watchers; whoever stores events publishes there.
    """

    def __init__(
        self, service: str, database: Database, acceptance: Acceptance, files: JobFiles, most_queued: int
    ) -> None:
        self.feed = JobFeed()
        self._service = service
        self._database = database
        self._acceptance = acceptance
        self._files = files
        self._most_queued = most_queued
        self._queued, self._counted_s = 0, float("-inf")
        self._intake: Batches[NewJob, Inserted] = Batches(self._store)
        self._storing: asyncio.Task[None] | None = None
        self._accepting = True
        self.waiting_reason: WaitingReason = lambda _job: ""
        self.on_queued: Callable[[], None] = lambda: None
        self.on_cancel_requested: Callable[[str, str], None] = lambda _job_id, _reason: None

    def start(self) -> None:
        """Start storing what is submitted."""
        self._storing = asyncio.create_task(self._intake.run(), name="job intake")

    async def close(self) -> None:
        """Store what waits, and stop."""
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.gather(self._storing, return_exceptions=True)

    def stop_accepting(self) -> None:
        """Refuse submissions from now on."""
        self._accepting = False

    async def submit(
        self, request: job_pb2.SubmitJobRequest, user: str = "", within_s: float = CHECK_WITHIN_S
    ) -> job_pb2.Job:
        """Accept a job; once this returns it is durable. The same `request_id` gives the same job.

        `within_s` is how long the caller waits for the check of the job.

        Raises:
            InvalidArgument: With every violation at once.
            NotFound: No such plugin.
            FailedPrecondition: The plugin is BROKEN.
            AlreadyExists: The request id was used for another job.
            ResourceExhausted: The queue is full, or other submissions were checked all the time.
            Unavailable: The service is stopping, or could not check the job in time.
        """
        if not self._accepting:
            raise Unavailable("the service is stopping; send the job again in a moment")
        new = self._acceptance.prepare(request, user)
        if await self._is_full() or not self._acceptance.passed_lately(new):
            existing = await self._existing(new)  # was accepted: it is not judged again
            if existing is not None:
                return existing
        await self._acceptance.check(request, new, within_s)
        if request.validate_only:
            return new.job
        if await self._is_full():
            raise ResourceExhausted(f"the queue is full: PALMETTE_MAX_QUEUED is {self._most_queued}")
        self._queued += 1
        inserted = await self._intake.submit(new)
        if inserted.error is not None:
            raise inserted.error
        if inserted.row is None:
            return await self.get(str(JobName(self._service, inserted.existing)))
        _log.info("accepted", job=inserted.row["id"], plugin=new.job.plugin, user=user)
        self.on_queued()
        return queued_message(self._service, inserted.row, self.waiting_reason)

    async def get(self, name: str) -> job_pb2.Job:
        """Return a job; raise `NotFound` if there is none."""
        job_id = JobName.parse(name, self._service).id
        async with self._database.read() as connection:
            return await self._get(connection, job_id)

    async def list(self, request: job_pb2.ListJobsRequest) -> job_pb2.ListJobsResponse:
        """Return a page of jobs."""
        query = JobQuery.parse(request)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.statement())).all()
            page = rows[: query.size]
            jobs = await job_messages(connection, self._service, page, self.waiting_reason)
            total = query.total
            if total is None:
                total = int((await connection.execute(query.counting())).scalar_one())
        token = query.token(page[-1], total, request) if len(rows) > query.size else ""
        return job_pb2.ListJobsResponse(jobs=jobs, next_page_token=token, total_size=total)

    async def watch(self, name: str, after_sequence: int = 0) -> AsyncGenerator[job_pb2.JobEvent]:
        """Yield a job's events after a sequence: stored ones, then live ones, until the job has ended."""
        job_id = JobName.parse(name, self._service).id
        with self.feed.subscribe(job_id) as news:
            while True:
                news.clear()
                async with self._database.read() as connection:
                    events = await read_events(connection, job_id, after_sequence)
                    row = None if len(events) == PAGE else await self._row(connection, job_id)
                for event in events:
                    yield event
                    after_sequence = event.sequence
                if row is None:
                    continue
                if JobState(row.state).ended and after_sequence >= row.last_sequence:
                    return
                await news.wait(_POLL_S)

    async def wait(self, name: str) -> job_pb2.Job:
        """Return the job once it has ended."""
        job = await self.get(name)
        async with aclosing(self.watch(name, job.last_sequence)) as events:
            async for _ in events:
                continue
        return await self.get(name)

    async def cancel(self, name: str, reason: str = "") -> job_pb2.Job:
        """Ask a job to stop: a queued one at once, a running one within seconds, an ended one stays as it is."""
        job_id = JobName.parse(name, self._service).id
        reason = reason or "cancelled"

        async def write(connection: AsyncConnection) -> None:
            row = await self._row(connection, job_id)
            at_once = on_cancel(JobState(row.state), reason)
            if at_once is not None:
                await apply_transition(connection, job_id, row.attempt, at_once)
            request = update(JobRow).where(JobRow.id == job_id, JobRow.state == JobState.RUNNING.value)
            await connection.execute(request.values(cancel_requested=True, cancel_reason=reason))

        await self._database.write(write)
        _log.info("cancel requested", job=job_id, reason=reason)
        self.on_cancel_requested(job_id, reason)
        self.feed.publish(job_id)
        return await self.get(name)

    async def retry(self, name: str) -> job_pb2.Job:
        """Queue a FAILED or CANCELLED job again; it resumes from its last checkpoint."""
        job_id = JobName.parse(name, self._service).id

        async def write(connection: AsyncConnection) -> None:
            row = await self._row(connection, job_id)
            await apply_transition(connection, job_id, row.attempt, on_retry(JobState(row.state)))

        await self._database.write(write)
        _log.info("retried", job=job_id)
        self.on_queued()
        self.feed.publish(job_id)
        return await self.get(name)

    async def delete(self, name: str) -> None:
        """Delete a job in an end state with its events and checkpoints; raise `FailedPrecondition` in another state."""
        job_id = JobName.parse(name, self._service).id

        async with self._database.read() as connection:
            state = JobState((await self._row(connection, job_id)).state)
        if not state.ended:
            raise FailedPrecondition(f"the job is {state.name}; cancel it first, then delete it")
        await asyncio.to_thread(self._files.remove, job_id)
        ended = delete(JobRow).where(JobRow.id == job_id, JobRow.state == state.value)
        await self._database.write(lambda connection: connection.execute(ended))
        _log.info("deleted", job=job_id)

    async def _store(self, new_jobs: Sequence[NewJob]) -> Sequence[Inserted]:
        return await self._database.write(lambda connection: insert_jobs(connection, new_jobs))

    async def _existing(self, new: NewJob) -> job_pb2.Job | None:
        if not new.request_id:
            return None
        async with self._database.read() as connection:
            job_id = await find_by_request(connection, new)
            return None if job_id is None else await self._get(connection, job_id)

    async def _get(self, connection: AsyncConnection, job_id: str) -> job_pb2.Job:
        row = await self._row(connection, job_id)
        return (await job_messages(connection, self._service, [row], self.waiting_reason))[0]

    async def _row(self, connection: AsyncConnection, job_id: str) -> Any:
        row = (await connection.execute(select(JobRow.__table__).where(JobRow.id == job_id))).one_or_none()
        if row is None:
            raise NotFound(f"no job '{JobName(self._service, job_id)}'; it may have been deleted")
        return row

    async def _is_full(self) -> bool:
        """Tell whether as many jobs wait as may; what was counted half a second ago is good enough to say no."""
        now_s = time.monotonic()
        if self._queued >= self._most_queued or now_s - self._counted_s > _COUNT_AGE_S:
            async with self._database.read() as connection:
                statement = select(func.count()).where(JobRow.state == JobState.QUEUED.value)
                self._queued = (await connection.execute(statement)).scalar_one()
            self._counted_s = now_s
        return self._queued >= self._most_queued
