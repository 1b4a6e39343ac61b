"""Listing jobs page by page."""

from __future__ import annotations

import re

from palmette.aio.connection import Connection
from palmette.aio.job import get_job
from palmette.errors import InvalidRequest, NotFound
from palmette.types import JobInfo, Listing
from palmette.wire.job import job_from
from palmette_protos.v1 import job_pb2

_PAGE = 200


async def list_jobs(
    connection: Connection, request: job_pb2.ListJobsRequest, service: str, limit: int | None
) -> Listing[JobInfo]:
    """Return the jobs of all services (or of one) that `request` asks for, at most `limit`."""
    found: list[JobInfo] = []
    unreachable: dict[str, str] = {}
    total = 0
    request.parent = f"services/{service}" if service else ""
    while limit is None or len(found) < limit:
        request.page_size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        response = await connection.call(connection.jobs.ListJobs, request, service=service)
        found += [job_from(job) for job in response.jobs]
        unreachable.update(response.unreachable)
        total = response.total_size
        request.page_token = response.next_page_token
        if not response.next_page_token:
            break
    return Listing(found, unreachable, total)


async def find_job(connection: Connection, name: str) -> JobInfo:
    """Return the job with this full name, or whose id starts with it.

    Raises:
        NotFound: There is none.
        InvalidRequest: It is no name, or several ids start with it.
    """
    if re.fullmatch(r"services/[a-z0-9_]+/jobs/[0-9A-Za-z]+", name):
        return await get_job(connection, name)
    if not re.fullmatch(r"[0-9A-Za-z]{4,26}", name):
        raise InvalidRequest.field(
            "name", f"'{name}' is no job's name (services/SERVICE/jobs/ID) nor the start of an id"
        )
    jobs = await list_jobs(connection, job_pb2.ListJobsRequest(), "", None)
    found = [job for job in jobs if job.id.lower().startswith(name.lower())]
    if not found:
        away = "".join(f"; {service} could not be asked ({why})" for service, why in jobs.unreachable.items())
        raise NotFound(f"no job's id starts with '{name}'; `palmette jobs list` shows the jobs{away}")
    if len(found) > 1:
        raise InvalidRequest.field("name", f"the ids of {len(found)} jobs start with '{name}'; write more of it")
    return found[0]
