"""JobService over a `JobStore`; also the aggregated one of a gateway."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import grpc
from google.protobuf.any_pb2 import Any as ProtoAny
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from tests.gateway.dashboard.sample_suite.catalogue import CONFIGS, PLUGINS
from tests.gateway.dashboard.sample_suite.job_store import ENDED, JobStore

from palmette_protos.v1 import job_pb2 as pb
from palmette_protos.v1.job_pb2_grpc import JobServiceServicer


class SampleJobs(JobServiceServicer):
    """Answers for one service, or for all of them with the empty name."""

    def __init__(self, store: JobStore, service: str = "") -> None:
        self._store, self._service = store, service
        self.unreachable: dict[str, str] = {}

    async def SubmitJob(self, request: pb.SubmitJobRequest, context: grpc.aio.ServicerContext) -> pb.SubmitJobResponse:
        service = request.parent.removeprefix("services/")
        violations = _violations(request.job)
        if violations:
            await _refuse(context, violations)
        metadata = dict(context.invocation_metadata() or ())
        job = pb.Job()
        job.CopyFrom(request.job)
        job.user = str(metadata.get("x-palmette-user", ""))
        if request.validate_only:
            return pb.SubmitJobResponse(job=job)
        known = self._store.requests.get(request.request_id or str(uuid.uuid4()))
        if known:
            return pb.SubmitJobResponse(job=self._store.jobs[known])
        fields = {
            field.name: value for field, value in job.ListFields() if field.name not in ("name", "plugin", "state")
        }
        stored = self._store.add(service, job.plugin, **fields)
        self._store.requests[request.request_id] = stored.name
        await self._store.announce()
        return pb.SubmitJobResponse(job=stored)

    async def GetJob(self, request: pb.GetJobRequest, context: grpc.aio.ServicerContext) -> pb.GetJobResponse:
        return pb.GetJobResponse(job=await self._job(request.name, context))

    async def ListJobs(self, request: pb.ListJobsRequest, context: grpc.aio.ServicerContext) -> pb.ListJobsResponse:
        service = self._service or request.parent.removeprefix("services/").removeprefix("-")
        found = self._store.find(request.filter, service, request.order_by)
        start, size = int(request.page_token or 0), request.page_size or 50
        more = str(start + size) if start + size < len(found) else ""
        return pb.ListJobsResponse(
            jobs=found[start : start + size],
            next_page_token=more,
            unreachable=self.unreachable,
            total_size=len(found),
        )

    async def WatchJob(
        self, request: pb.WatchJobRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchJobResponse]:
        await self._job(request.name, context)
        async for event in self._store.watch(request.name, request.after_sequence):
            yield pb.WatchJobResponse(event=event)

    async def CancelJob(self, request: pb.CancelJobRequest, context: grpc.aio.ServicerContext) -> pb.CancelJobResponse:
        job = await self._job(request.name, context)
        if job.state not in ENDED:
            self._store.put(job.name, state=pb.StateChange(state=pb.JOB_STATE_CANCELLED, reason=request.reason))
            await self._store.announce()
        return pb.CancelJobResponse(job=job)

    async def RetryJob(self, request: pb.RetryJobRequest, context: grpc.aio.ServicerContext) -> pb.RetryJobResponse:
        job = await self._job(request.name, context)
        if job.state not in (pb.JOB_STATE_FAILED, pb.JOB_STATE_CANCELLED):
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "only a failed or cancelled job can be retried")
        job.ClearField("error")
        job.ClearField("end_time")
        self._store.put(job.name, state=pb.StateChange(state=pb.JOB_STATE_QUEUED, reason="retried"))
        await self._store.announce()
        return pb.RetryJobResponse(job=job)

    async def DeleteJob(self, request: pb.DeleteJobRequest, context: grpc.aio.ServicerContext) -> pb.DeleteJobResponse:
        job = await self._job(request.name, context)
        if job.state not in ENDED:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "cancel the job before deleting it")
        del self._store.jobs[job.name], self._store.events[job.name]
        await self._store.announce()
        return pb.DeleteJobResponse()

    async def _job(self, name: str, context: grpc.aio.ServicerContext) -> pb.Job:
        if name not in self._store.jobs:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no job named '{name}'; it may have been deleted")
        return self._store.jobs[name]


def _violations(job: pb.Job) -> list[tuple[str, str]]:
    """Check a job as a service does: inputs by declaration, config by its pydantic model."""
    from google.protobuf.json_format import MessageToDict
    from pydantic import ValidationError

    plugin = next(plugin for plugin in PLUGINS if plugin.name.endswith(f"/{job.plugin}"))
    found = [
        (f"inputs.{item.name}", "required: give a reference such as zoo:resnet20")
        for item in plugin.inputs
        if not item.optional_input and not job.inputs[item.name].references
    ]
    found += [
        (f"inputs.{name}", f"'{text}' is not a reference such as zoo:resnet20 or artifact:<id>")
        for name, value in job.inputs.items()
        for text in value.references
        if ":" not in text and "/" not in text and text not in ("digits", "fashion-mnist")
    ]
    try:
        CONFIGS[job.plugin].model_validate(MessageToDict(job.config))
    except ValidationError as error:
        found += [(".".join(["config", *map(str, item["loc"])]), item["msg"]) for item in error.errors()]
    return found


async def _refuse(context: grpc.aio.ServicerContext, violations: list[tuple[str, str]]) -> None:
    request = error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=field, description=text) for field, text in violations
        ]
    )
    detail = ProtoAny()
    detail.Pack(request)
    message = "; ".join(f"{field}: {text}" for field, text in violations)
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message=message, details=[detail])
    await context.abort_with_status(rpc_status.to_status(status))
