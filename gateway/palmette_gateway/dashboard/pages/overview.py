"""The first page: what is wrong, what runs, what is served, what failed."""

from __future__ import annotations

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.live.stream import COMMON, fragments

_FRAGMENTS = (
    "live/health_pill.html",
    "live/health.html",
    "live/running.html",
    "live/deployments.html",
    "live/failures.html",
    "live/recent.html",
    "live/parts.html",
)


async def show(request: Request) -> Response:
    """Show the overview."""
    dashboard = dashboard_of(request)
    await dashboard.sampler.fresh()
    return dashboard.page(request, "overview.html")


async def live(request: Request) -> Response:
    """Stream the overview."""
    return EventSourceResponse(fragments(request, _FRAGMENTS))


async def live_common(request: Request) -> Response:
    """Stream what pages without live content of their own show of the suite's health."""
    return EventSourceResponse(fragments(request, COMMON))


async def session(request: Request) -> Response:
    """Say that the caller is signed in; nobody else gets here."""
    return PlainTextResponse("signed in")


async def glance(request: Request) -> Response:
    """Show the state of the suite as a fragment, for tabs in the background."""
    return dashboard_of(request).page(request, "live/health_pill.html")


ROUTES = [
    Route("/", show),
    Route("/live/overview", live),
    Route("/live/common", live_common),
    Route("/live/session", session),
    Route("/live/glance", glance),
]
