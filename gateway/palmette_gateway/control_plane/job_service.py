"""palmette.v1.JobService over all services."""

from __future__ import annotations

from collections.abc import AsyncIterator

from palmette_gateway.access.destinations import SERVICE_HEADER
from palmette_gateway.control_plane.caller import AnyContext, header
from palmette_gateway.control_plane.fan_out import ask_each_within
from palmette_gateway.control_plane.forwarding import forward, forward_stream, onward_metadata, service_of
from palmette_gateway.control_plane.job_listing import list_jobs
from palmette_gateway.services import Service, Services
from palmette_protos.v1 import job_pb2, job_pb2_grpc

JOB = "services/{service}/jobs/{id}"
SERVICE = "services/{service}"
ALL = ("", "services/-")
LIST_S = 5.0


class JobService(job_pb2_grpc.JobServiceServicer):
    """Passes a call on to the service that the request names, and lists the jobs of all."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def SubmitJob(self, request: job_pb2.SubmitJobRequest, context: AnyContext) -> job_pb2.SubmitJobResponse:
        """Pass on by `parent`."""
        service = self._named(request.parent, "parent", SERVICE, context)
        return await forward(service, service.jobs.SubmitJob, request, context)

    async def GetJob(self, request: job_pb2.GetJobRequest, context: AnyContext) -> job_pb2.GetJobResponse:
        """Pass on by `name`."""
        service = self._named(request.name, "name", JOB, context)
        return await forward(service, service.jobs.GetJob, request, context)

    async def ListJobs(self, request: job_pb2.ListJobsRequest, context: AnyContext) -> job_pb2.ListJobsResponse:
        """Pass on if `parent` names a service, else merge the lists of all."""
        chosen = header(context, SERVICE_HEADER)
        if request.parent not in ALL or chosen:
            name = request.parent if request.parent not in ALL else f"services/{chosen}"
            service = self._named(name, "parent", SERVICE, context)
            return await forward(service, service.jobs.ListJobs, request, context)
        metadata, timeout_s = onward_metadata(context), ask_each_within(context, LIST_S)

        async def call(service: Service, page: job_pb2.ListJobsRequest) -> job_pb2.ListJobsResponse:
            return await service.jobs.ListJobs(page, metadata=metadata, timeout=timeout_s)

        return await list_jobs(self._services, request, call)

    async def WatchJob(
        self, request: job_pb2.WatchJobRequest, context: AnyContext
    ) -> AsyncIterator[job_pb2.WatchJobResponse]:
        """Pass on by `name`."""
        service = self._named(request.name, "name", JOB, context)
        async for response in forward_stream(service, service.jobs.WatchJob, request, context):
            yield response

    async def CancelJob(self, request: job_pb2.CancelJobRequest, context: AnyContext) -> job_pb2.CancelJobResponse:
        """Pass on by `name`."""
        service = self._named(request.name, "name", JOB, context)
        return await forward(service, service.jobs.CancelJob, request, context)

    async def RetryJob(self, request: job_pb2.RetryJobRequest, context: AnyContext) -> job_pb2.RetryJobResponse:
        """Pass on by `name`."""
        service = self._named(request.name, "name", JOB, context)
        return await forward(service, service.jobs.RetryJob, request, context)

    async def DeleteJob(self, request: job_pb2.DeleteJobRequest, context: AnyContext) -> job_pb2.DeleteJobResponse:
        """Pass on by `name`."""
        service = self._named(request.name, "name", JOB, context)
        return await forward(service, service.jobs.DeleteJob, request, context)

    def _named(self, name: str, field: str, pattern: str, context: AnyContext) -> Service:
        """The service that a resource name belongs to.

        A call that carries the header comes here only if the suite has no such service: the header's name is then
        what is wrong.
        """
        chosen = header(context, SERVICE_HEADER)
        return self._services.get(chosen) if chosen else self._services.get(service_of(name, field, pattern))
