"""Jobs of every service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import structlog

from palmette.types import JobEvent, JobInfo
from palmette.wire.job import event_from, job_from
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.calls.unary import ask, listen
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_protos.v1 import job_pb2

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True)
class JobPage:
    """A page of jobs, the token of the next one, why some services are missing, and the jobs of all pages."""

    jobs: tuple[JobInfo, ...]
    next_page_token: str = ""
    unreachable: Mapping[str, str] = field(default_factory=dict)
    total: int = 0


async def list_jobs(
    suite: SuiteApi,
    filter_text: str = "",
    *,
    service: str = "",
    page_size: int = 50,
    page_token: str = "",
    order_by: str = "",
) -> JobPage:
    """Return a page of jobs of one service or of all."""
    request = job_pb2.ListJobsRequest(
        parent=f"services/{service}" if service else "",
        page_size=page_size,
        page_token=page_token,
        filter=filter_text,
        order_by=order_by,
    )
    response = await ask(suite.jobs(service).ListJobs, request, service or "the gateway")
    jobs = tuple(job_from(job) for job in response.jobs)
    return JobPage(jobs, response.next_page_token, dict(response.unreachable), response.total_size)


async def get_job(suite: SuiteApi, name: str) -> JobInfo:
    """Return one job."""
    service = service_of(name)
    response = await ask(suite.jobs(service).GetJob, job_pb2.GetJobRequest(name=name), service)
    return job_from(response.job)


async def watch_job(suite: SuiteApi, name: str, after_sequence: int) -> AsyncIterator[JobEvent]:
    """Yield a job's events after a sequence, stored ones first; ends after the job's end state."""
    service = service_of(name)
    request = job_pb2.WatchJobRequest(name=name, after_sequence=after_sequence)
    async for response in listen(suite.jobs(service).WatchJob, request, service):
        try:
            event = event_from(response.event)
        except (KeyError, ValueError) as error:  # such as a figure that is not JSON: the other events still count
            _LOG.warning("unreadable_job_event", job=name, sequence=response.event.sequence, cause=repr(error))
            continue
        yield event


async def submit_job(suite: SuiteApi, request: job_pb2.SubmitJobRequest, caller: Caller) -> JobInfo:
    """Submit a job, or only check it with ``validate_only``."""
    service = request.parent.removeprefix("services/")
    # Longer than a read: the service builds the model to see whether the inputs fit.
    response = await ask(suite.jobs(service).SubmitJob, request, service, caller, timeout_s=60)
    return job_from(response.job)


async def cancel_job(suite: SuiteApi, name: str, caller: Caller) -> None:
    """Ask a job to stop."""
    request = job_pb2.CancelJobRequest(name=name, reason=f"cancelled by {caller.user or 'someone'} on the dashboard")
    await ask(suite.jobs(service_of(name)).CancelJob, request, service_of(name), caller)


async def retry_job(suite: SuiteApi, name: str, caller: Caller) -> None:
    """Queue a failed or cancelled job again."""
    request = job_pb2.RetryJobRequest(name=name)
    await ask(suite.jobs(service_of(name)).RetryJob, request, service_of(name), caller)


async def delete_job(suite: SuiteApi, name: str, caller: Caller) -> None:
    """Delete an ended job; its artifacts stay."""
    request = job_pb2.DeleteJobRequest(name=name)
    await ask(suite.jobs(service_of(name)).DeleteJob, request, service_of(name), caller)


def service_of(name: str) -> str:
    """Return the service of ``services/{service}/...``."""
    return name.split("/")[1]
