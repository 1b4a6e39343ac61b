"""Jobs side by side: their curves in one chart, their figures and settings in one table."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from palmette.errors import InvalidRequest
from palmette.types import JobInfo, MetricReported
from palmette_gateway.dashboard.calls.jobs import get_job, watch_job
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.live.series import Point, Series
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_gateway.dashboard.presentation.comparison import metric_rows, setting_rows

_MOST = 8
_DEADLINE_S = 20.0


async def show(request: Request) -> Response:
    """Show the chosen jobs as columns; their curves follow."""
    jobs = await _chosen(request)
    settings = [{"input": job.inputs, "seed": job.seed, **job.config} for job in jobs]
    context = {
        "jobs": jobs,
        "figures": metric_rows([job.metrics for job in jobs]),
        "differences": setting_rows(settings),
        "curves": f"/compare/jobs/curves?{request.url.query}",
    }
    return dashboard_of(request).page(request, "compare_jobs.html", context)


async def curves(request: Request) -> Response:
    """Send the jobs' curves so far, by figure and job."""
    suite = dashboard_of(request).suite
    jobs = await _chosen(request)
    async with asyncio.timeout(_DEADLINE_S):
        found = await asyncio.gather(*(_series(suite, job) for job in jobs))
    by_figure: dict[str, dict[str, list[Point]]] = {}
    for job, series in zip(jobs, found, strict=True):
        for name, points in series.items():
            by_figure.setdefault(name, {})[_label(job, jobs)] = points
    return JSONResponse(by_figure)


async def _chosen(request: Request) -> list[JobInfo]:
    names = list(dict.fromkeys(request.query_params.getlist("job")))[:_MOST]
    for name in names:
        if name.count("/") != 3:
            raise InvalidRequest.field("job", f"'{name}' is not the name of a job, services/SERVICE/jobs/ID")
    return await asyncio.gather(*(get_job(dashboard_of(request).suite, name) for name in names))


async def _series(suite: SuiteApi, job: JobInfo) -> dict[str, list[Point]]:
    """Return a job's curves up to the newest event that it had when it was asked."""
    series = Series()
    if job.last_sequence:
        async for event in watch_job(suite, job.name, 0):
            if isinstance(event, MetricReported) and event.step is not None:
                series.add(event.name, event.step, event.value)
            if event.sequence >= job.last_sequence:
                break
    return series.take()


def _label(job: JobInfo, jobs: list[JobInfo]) -> str:
    alike = sum(other.plugin == job.plugin for other in jobs)
    return f"{job.plugin} …{job.id[-6:]}" if alike > 1 else job.plugin


ROUTES = [Route("/compare/jobs", show), Route("/compare/jobs/curves", curves)]
