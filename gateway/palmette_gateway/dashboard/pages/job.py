"""One job: where it is, what it reports, what came out, and what can be done about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from palmette.types import JobInfo, LogLine
from palmette_gateway.dashboard.access.caller import Action, Caller
from palmette_gateway.dashboard.access.guard import mutation
from palmette_gateway.dashboard.calls.jobs import cancel_job, delete_job, get_job, retry_job, watch_job
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.live.job_stream import job_events
from palmette_gateway.dashboard.pages.answers import done
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_gateway.dashboard.presentation.commands import job_command
from palmette_gateway.dashboard.presentation.story import story

Change = Callable[[SuiteApi, str, Caller], Awaitable[None]]


def _name(request: Request) -> str:
    return f"services/{request.path_params['service']}/jobs/{request.path_params['id']}"


async def show(request: Request) -> Response:
    """Show the job; its reports follow on the page's stream."""
    dashboard = dashboard_of(request)
    job = await get_job(dashboard.suite, _name(request))
    return dashboard.page(request, "job.html", {"job": job, "story": story(job), "command": job_command(job)})


async def live(request: Request) -> Response:
    """Stream the job from a sequence on."""
    after = request.query_params.get("after", request.headers.get("last-event-id", "0"))
    return EventSourceResponse(job_events(request, _name(request), int(after) if after.isdecimal() else 0))


async def log(request: Request) -> Response:
    """Send the whole log as text."""
    suite, name = dashboard_of(request).suite, _name(request)
    job = await get_job(suite, name)
    headers = {"content-disposition": f'attachment; filename="{job.plugin}-{job.id}.log"'}
    return StreamingResponse(_lines(suite, job), media_type="text/plain; charset=utf-8", headers=headers)


async def _lines(suite: SuiteApi, job: JobInfo) -> AsyncIterator[str]:
    if not job.last_sequence:
        return
    async for event in watch_job(suite, job.name, 0):
        if isinstance(event, LogLine):
            yield f"{event.time.isoformat()} {event.severity.value:7} {event.text}\n"
        if event.sequence >= job.last_sequence:
            return


def _change(change: Change) -> Callable[[Request], Awaitable[Response]]:
    async def handler(request: Request) -> Response:
        await change(dashboard_of(request).suite, _name(request), request.state.caller)
        deleted = change is delete_job
        return done(request, "/jobs" if deleted else request.url.path.rpartition("/")[0], leave=deleted)

    return handler


_PATH = "/jobs/{service}/{id}"
ROUTES = [
    Route(_PATH, show),
    Route(f"{_PATH}/log.txt", log),
    Route(f"/live{_PATH}", live),
    Route(f"{_PATH}/cancel", mutation(Action.CANCEL_JOB, _change(cancel_job)), methods=["POST"]),
    Route(f"{_PATH}/retry", mutation(Action.RETRY_JOB, _change(retry_job)), methods=["POST"]),
    Route(f"{_PATH}/delete", mutation(Action.DELETE_JOB, _change(delete_job)), methods=["POST"]),
]
