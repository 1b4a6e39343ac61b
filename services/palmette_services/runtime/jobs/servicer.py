"""``palmette.v1.JobService``: the job queue at the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from palmette_protos.v1 import job_pb2, job_pb2_grpc
from palmette_services.runtime.jobs.names import check_parent
from palmette_services.runtime.jobs.queue import CHECK_WITHIN_S, JobQueue
from palmette_services.runtime.rpc.identity import current_user

Context = Any  # grpc.aio.ServicerContext; errors are raised, never set on it


class JobServicer(job_pb2_grpc.JobServiceServicer):
    """Answers for the jobs of one service."""

    def __init__(self, service: str, jobs: JobQueue) -> None:
        self._service = service
        self._jobs = jobs

    async def SubmitJob(self, request: job_pb2.SubmitJobRequest, context: Context) -> job_pb2.SubmitJobResponse:
        """Accept a job."""
        return job_pb2.SubmitJobResponse(job=await self._jobs.submit(request, current_user(), _patience_s(context)))

    async def GetJob(self, request: job_pb2.GetJobRequest, context: Context) -> job_pb2.GetJobResponse:
        """Return one job."""
        return job_pb2.GetJobResponse(job=await self._jobs.get(request.name))

    async def ListJobs(self, request: job_pb2.ListJobsRequest, context: Context) -> job_pb2.ListJobsResponse:
        """Return a page of jobs."""
        check_parent(request.parent, self._service)
        return await self._jobs.list(request)

    async def WatchJob(
        self, request: job_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[job_pb2.WatchJobResponse]:
        """Stream a job's events."""
        async with aclosing(self._jobs.watch(request.name, request.after_sequence)) as events:
            async for event in events:
                yield job_pb2.WatchJobResponse(event=event)

    async def CancelJob(self, request: job_pb2.CancelJobRequest, context: Context) -> job_pb2.CancelJobResponse:
        """Ask a job to stop."""
        return job_pb2.CancelJobResponse(job=await self._jobs.cancel(request.name, request.reason))

    async def RetryJob(self, request: job_pb2.RetryJobRequest, context: Context) -> job_pb2.RetryJobResponse:
        """Queue a job again."""
        return job_pb2.RetryJobResponse(job=await self._jobs.retry(request.name))

    async def DeleteJob(self, request: job_pb2.DeleteJobRequest, context: Context) -> job_pb2.DeleteJobResponse:
        """Delete a job."""
        await self._jobs.delete(request.name)
        return job_pb2.DeleteJobResponse()


def _patience_s(context: Context) -> float:
    """Return how long the check of a submission may take: the caller shall hear why it fails, not time out."""
    left_s: float | None = context.time_remaining()
    return CHECK_WITHIN_S if left_s is None else min(CHECK_WITHIN_S, 0.9 * left_s)
