"""Jobs in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from palmette_protos.v1 import job_pb2, job_pb2_grpc

ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


class TinyJobs(job_pb2_grpc.JobServiceServicer):
    """Accepts everything with a positive density; what a job does is up to the test.

    `break_after` is how many events each watch sends before its connection breaks; 0 never breaks.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, job_pb2.Job] = {}
        self.events: dict[str, list[job_pb2.JobEvent]] = {}
        self.by_request: dict[str, str] = {}
        self.requests: list[job_pb2.SubmitJobRequest] = []
        self.watches: list[int] = []
        self.break_after = 0
        self.unreachable: dict[str, str] = {}
        self._changed = threading.Condition()

    # What tests do to a job

    def append(self, name: str, **event: Any) -> None:
        """Append an event to a job's history."""
        with self._changed:
            events = self.events[name]
            events.append(job_pb2.JobEvent(sequence=len(events) + 1, attempt=1, **event))
            job = self.jobs[name]
            job.last_sequence = len(events)
            if "state" in event:
                job.state = event["state"].state
            if "metric" in event:
                job.metrics[event["metric"].name] = event["metric"].value
            if "progress" in event:
                job.progress.CopyFrom(event["progress"])
            self._changed.notify_all()

    def set_state(self, name: str, state: job_pb2.JobState.ValueType, reason: str = "") -> None:
        """Move a job to a state."""
        self.append(name, state=job_pb2.StateChange(state=state, reason=reason))

    def succeed(self, name: str, **outputs: str) -> None:
        """End a job well, with one artifact per output."""
        for output, artifact in outputs.items():
            self.jobs[name].outputs[output].names.append(artifact)
        self.set_state(name, job_pb2.JOB_STATE_SUCCEEDED)

    def fail(self, name: str, cause: str, exception: str, log: str) -> None:
        """End a job badly."""
        error = status_pb2.Status(code=code_pb2.INTERNAL, message=cause)
        for detail in (error_details_pb2.ErrorInfo(reason=exception), error_details_pb2.DebugInfo(detail=log)):
            packed = AnyMessage()
            packed.Pack(detail)
            error.details.append(packed)
        self.jobs[name].error.CopyFrom(error)
        self.set_state(name, job_pb2.JOB_STATE_FAILED, cause)

    # The service

    def SubmitJob(self, request: job_pb2.SubmitJobRequest, context: Any) -> job_pb2.SubmitJobResponse:
        self.requests.append(request)
        _refuse_bad_density(request.job, context)
        with self._changed:
            if request.request_id in self.by_request:
                return job_pb2.SubmitJobResponse(job=self.jobs[self.by_request[request.request_id]])
            name = f"{request.parent}/jobs/{len(self.jobs):026d}"
            job = job_pb2.Job()
            job.CopyFrom(request.job)
            job.name = name
            if not request.validate_only:
                self.jobs[name], self.events[name] = job, []
                self.by_request[request.request_id] = name
        if not request.validate_only:
            self.set_state(name, job_pb2.JOB_STATE_QUEUED)
        return job_pb2.SubmitJobResponse(job=job)

    def GetJob(self, request: job_pb2.GetJobRequest, context: Any) -> job_pb2.GetJobResponse:
        if request.name not in self.jobs:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no job named '{request.name}'")
        return job_pb2.GetJobResponse(job=self.jobs[request.name])

    def ListJobs(self, request: job_pb2.ListJobsRequest, context: Any) -> job_pb2.ListJobsResponse:
        names = sorted(self.jobs, reverse=True)
        start = int(request.page_token or 0)
        page = names[start : start + min(request.page_size, 3)]  # a server may give less than asked for
        following = str(start + len(page)) if start + len(page) < len(names) else ""
        jobs = [self.jobs[name] for name in page]
        return job_pb2.ListJobsResponse(
            jobs=jobs, next_page_token=following, unreachable=self.unreachable, total_size=len(names)
        )

    def WatchJob(self, request: job_pb2.WatchJobRequest, context: Any) -> Iterator[job_pb2.WatchJobResponse]:
        self.watches.append(request.after_sequence)
        sent, position = 0, request.after_sequence
        while context.is_active():
            with self._changed:
                if len(self.events[request.name]) == position:
                    self._changed.wait(timeout=0.2)
                fresh = self.events[request.name][position:]
            for event in fresh:
                if self.break_after and sent == self.break_after:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
                yield job_pb2.WatchJobResponse(event=event)
                sent, position = sent + 1, event.sequence
            if self.jobs[request.name].state in ENDED and position == self.jobs[request.name].last_sequence:
                return

    def CancelJob(self, request: job_pb2.CancelJobRequest, context: Any) -> job_pb2.CancelJobResponse:
        self.set_state(request.name, job_pb2.JOB_STATE_CANCELLED, request.reason)
        return job_pb2.CancelJobResponse(job=self.jobs[request.name])

    def RetryJob(self, request: job_pb2.RetryJobRequest, context: Any) -> job_pb2.RetryJobResponse:
        if self.jobs[request.name].state not in ENDED[1:]:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "only a failed or cancelled job can be retried")
        self.jobs[request.name].ClearField("error")
        self.set_state(request.name, job_pb2.JOB_STATE_QUEUED, "retried")
        return job_pb2.RetryJobResponse(job=self.jobs[request.name])

    def DeleteJob(self, request: job_pb2.DeleteJobRequest, context: Any) -> job_pb2.DeleteJobResponse:
        del self.jobs[request.name]
        return job_pb2.DeleteJobResponse()


def _refuse_bad_density(job: job_pb2.Job, context: Any) -> None:
    violations = [
        error_details_pb2.BadRequest.FieldViolation(field=f"config.{name}", description="must be greater than 0")
        for name, value in job.config.items()
        if isinstance(value, float) and value < 0
    ]
    if violations:
        packed = AnyMessage()
        packed.Pack(error_details_pb2.BadRequest(field_violations=violations))
        status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="invalid", details=[packed])
        context.abort_with_status(rpc_status.to_status(status))
