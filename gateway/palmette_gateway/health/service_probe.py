"""The services and the workers that run their jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC

import grpc
from grpc_health.v1 import health_pb2

from palmette_gateway.errors import describe_silence
from palmette_gateway.health.observation import Kind, Observation, State
from palmette_gateway.health.patience import Patience
from palmette_gateway.services import Service, Services
from palmette_protos.v1 import job_pb2

TIMEOUT_S = 3.0
METADATA = (("x-palmette-user", "gateway"), ("x-palmette-role", "viewer"))
LARGEST_PAGE = 1000
COUNTED_QUEUE = 200


class ServicesProbe:
    """Asks each service for its health, and for the jobs that run and wait."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._patience = Patience()

    async def observe(self) -> Sequence[Observation]:
        """Ask all services at the same time."""
        found = await asyncio.gather(*(self._service(service) for service in self._services))
        return [observation for observations in found for observation in observations]

    async def _service(self, service: Service) -> Sequence[Observation]:
        name = f"services/{service.name}"
        try:
            answer = await service.health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            silence = describe_silence(service.name, str(service.address), error)
            state, reason = self._patience.silent(name, f"{silence}: see its log, or start it again")
            return [Observation(name, Kind.SERVICE, state, reason)]
        self._patience.answered(name)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            reason = "not serving: it is stopping, or its database does not answer; its log says which"
            return [Observation(name, Kind.SERVICE, State.DEGRADED, reason)]
        try:
            running, queued = await asyncio.gather(
                _jobs(service, "RUNNING", LARGEST_PAGE), _jobs(service, "QUEUED", COUNTED_QUEUE)
            )
        except grpc.aio.AioRpcError as error:
            reason = f"it serves but cannot list its jobs: {error.code().name}: {error.details()}; see its log"
            return [Observation(name, Kind.SERVICE, State.DEGRADED, reason)]
        figures = _counts("jobs_running", running) | _counts("jobs_queued", queued)
        workers = [_worker(service.name, job) for job in running.jobs]
        return [Observation(name, Kind.SERVICE, State.HEALTHY, figures=figures), *workers]


async def _jobs(service: Service, state: str, page_size: int) -> job_pb2.ListJobsResponse:
    request = job_pb2.ListJobsRequest(parent=f"services/{service.name}", filter=f"state={state}", page_size=page_size)
    return await service.jobs.ListJobs(request, metadata=METADATA, timeout=TIMEOUT_S)


def _counts(figure: str, page: job_pb2.ListJobsResponse) -> dict[str, float]:
    """A count where the page holds them all; where it does not, what is certain."""
    return {f"{figure}_at_least" if page.next_page_token else figure: float(len(page.jobs))}


def _worker(service: str, job: job_pb2.Job) -> Observation:
    state, reason = State.HEALTHY, ""
    if job.cancel_requested:
        state, reason = State.DEGRADED, "asked to stop; it is killed if it does not within seconds"
    return Observation(
        name=f"workers/{service}/{job.name.rpartition('/')[2]}",
        kind=Kind.WORKER,
        state=state,
        reason=reason,
        figures={"progress": job.progress.fraction, "attempt": float(job.attempt)},
        since=None if job.cancel_requested else job.start_time.ToDatetime(tzinfo=UTC),
    )
