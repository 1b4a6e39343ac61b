"""One job as it happens: fragments for its state, data for its charts and its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from sse_starlette import ServerSentEvent
from starlette.requests import Request

from palmette.errors import NotFound, PalmetteError
from palmette.types import JobInfo
from palmette_gateway.dashboard.calls.jobs import get_job, watch_job
from palmette_gateway.dashboard.context import Dashboard, dashboard_of
from palmette_gateway.dashboard.live.job_reports import JobReports
from palmette_gateway.dashboard.live.stream import COMMON, Sent
from palmette_gateway.dashboard.presentation.story import story

FRAGMENTS = ("live/job_head.html", "live/job_story.html", "live/job_results.html")
_PAUSE_S = 0.25
_AGAIN_S = 1.0


async def job_events(request: Request, name: str, after_sequence: int) -> AsyncIterator[ServerSentEvent]:
    """Yield everything that changes on a job's page until the browser leaves or the job is deleted."""
    dashboard = dashboard_of(request)
    reports = JobReports(after_sequence)
    sent = Sent()
    with dashboard.sampler.subscribe() as wake:
        follower = asyncio.create_task(_follow(dashboard, name, reports, wake))
        try:
            while not dashboard.sampler.ending:
                job = await _look(dashboard, name)
                if job is None:
                    yield ServerSentEvent("/jobs", event="gone")
                    return
                html = sent.changed(_render(request, dashboard, job, reports))
                if html:
                    yield ServerSentEvent(html, event="fragments")
                if data := reports.take():
                    yield ServerSentEvent(data, event="job", id=str(reports.sequence))
                await wake.wait()
                await asyncio.sleep(_PAUSE_S)
                wake.clear()
        finally:
            follower.cancel()
            with suppress(asyncio.CancelledError):
                await follower


async def _look(dashboard: Dashboard, name: str) -> JobInfo | PalmetteError | None:
    """Return the job, None if it is gone, or why it cannot be asked."""
    try:
        return await get_job(dashboard.suite, name)
    except NotFound:
        return None
    except PalmetteError as error:
        return error


def _render(
    request: Request, dashboard: Dashboard, job: JobInfo | PalmetteError, reports: JobReports
) -> dict[str, str]:
    who = request.state.caller
    rendered = {template: dashboard.render(template, {}, who) for template in COMMON}
    if isinstance(job, JobInfo):
        context = {"job": job, "story": story(job, reports.changes)}
        rendered |= {template: dashboard.render(template, context, who) for template in FRAGMENTS}
    return rendered


async def _follow(dashboard: Dashboard, name: str, reports: JobReports, wake: asyncio.Event) -> None:
    """Read the job's events for as long as the page is open, over restarts of its service and retries of the job."""
    while True:
        with suppress(PalmetteError):  # the page shows what `_look` finds; here it is enough to try again
            async for event in watch_job(dashboard.suite, name, reports.sequence):
                reports.add(event)
                wake.set()
        await asyncio.sleep(_AGAIN_S)
