"""One job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self

from palmette.aio.connection import Connection
from palmette.aio.watching import watch_events
from palmette.errors import JobCancelled, JobFailed
from palmette.progress import JobsDisplay
from palmette.types import Failure, JobEvent, JobInfo, JobState, StateChanged
from palmette.views import JobView
from palmette.wire.job import job_from
from palmette_protos.v1 import job_pb2


class Job(JobView):
    """A handle on a job; see `palmette.aio.Client.submit` and `palmette.aio.Client.job`."""

    def __init__(self, connection: Connection, info: JobInfo) -> None:
        self._connection = connection
        self._info = info

    @property
    def info(self) -> JobInfo:
        """Everything as last heard of; `refresh` asks again."""
        return self._info

    async def refresh(self) -> Self:
        """Ask for the job's present state."""
        self._info = await get_job(self._connection, self.name)
        return self

    async def watch(self, after: int = 0) -> AsyncIterator[JobEvent]:
        """Yield every event after sequence `after`, stored ones first, until the job ends.

        Reconnects by itself from the last event seen: nothing is missing and nothing comes twice.
        """
        async for event in watch_events(self._connection, self.name, after):
            yield event
        await self.refresh()

    async def wait(self, *, progress: bool | JobsDisplay = False, timeout_s: float | None = None) -> Self:
        """Wait for the job's end, with a progress bar if wanted, and return the job.

        Raises:
            JobFailed: It failed; the error says why.
            JobCancelled: It was cancelled.
            TimeoutError: It did not end within `timeout_s`; it goes on.
        """
        display = JobsDisplay.of(progress)
        async with asyncio.timeout(timeout_s):
            with display:
                await self._follow(display)
        return self

    async def cancel(self, reason: str = "") -> Self:
        """Ask the job to stop; it does within seconds. A job that has ended stays as it is."""
        request = job_pb2.CancelJobRequest(name=self.name, reason=reason)
        response = await self._connection.call(self._connection.jobs.CancelJob, request, service=self.service)
        self._info = job_from(response.job)
        return self

    async def retry(self) -> Self:
        """Queue a FAILED or CANCELLED job again; it resumes from its last checkpoint."""
        request = job_pb2.RetryJobRequest(name=self.name)
        call = self._connection.call
        response = await call(self._connection.jobs.RetryJob, request, service=self.service, repeatable=False)
        self._info = job_from(response.job)
        return self

    async def delete(self) -> None:
        """Delete an ended job with its events and checkpoints. Its artifacts stay."""
        request = job_pb2.DeleteJobRequest(name=self.name)
        call = self._connection.call
        await call(self._connection.jobs.DeleteJob, request, service=self.service, repeatable=False)

    async def _follow(self, display: JobsDisplay) -> None:
        display.add(self.info)
        reason = ""
        if not self.info.state.ended:
            # Only what is still to come matters, not the history.
            async for event in self.watch(after=self.info.last_sequence):
                display.apply(self.name, event)
                if isinstance(event, StateChanged):
                    reason = event.reason
        display.finish(self.info)
        if self.state is JobState.FAILED:
            raise JobFailed(self.info, self.failure or Failure(reason or "the service does not say why"))
        if self.state is JobState.CANCELLED:
            raise JobCancelled(self.info, reason)


async def get_job(connection: Connection, name: str) -> JobInfo:
    """Return a job by its full name."""
    service = name.split("/")[1]
    response = await connection.call(connection.jobs.GetJob, job_pb2.GetJobRequest(name=name), service=service)
    return job_from(response.job)
