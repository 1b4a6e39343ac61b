"""Listing jobs page by page."""

from __future__ import annotations

from palmette.aio.connection import Connection
from palmette.types import JobInfo
from palmette.wire.job import job_from
from palmette_protos.v1 import job_pb2

_PAGE = 200


async def list_jobs(
    connection: Connection, request: job_pb2.ListJobsRequest, service: str, limit: int | None
) -> list[JobInfo]:
    """Return the jobs of all services (or of one) that `request` asks for, at most `limit`."""
    found: list[JobInfo] = []
    request.parent = f"services/{service}" if service else ""
    while limit is None or len(found) < limit:
        request.page_size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        response = await connection.call(connection.jobs.ListJobs, request, service=service)
        found += [job_from(job) for job in response.jobs]
        request.page_token = response.next_page_token
        if not response.next_page_token:
            break
    return found
