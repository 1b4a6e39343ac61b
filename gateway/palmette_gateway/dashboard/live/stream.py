"""Fragments of a page, sent whenever they look different from what was sent before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from sse_starlette import ServerSentEvent
from starlette.requests import Request

from palmette_gateway.dashboard.context import dashboard_of

COMMON = ("live/health_pill.html", "live/banner.html")
_PAUSE_S = 0.25
Contexts = Callable[[], Awaitable[Mapping[str, Any]]]


class Sent:
    """What a browser has, so that only what changed is sent."""

    def __init__(self) -> None:
        self._html: dict[str, str] = {}

    def changed(self, rendered: Mapping[str, str]) -> str:
        """Return those fragments that differ from the last time, and remember them."""
        news = {name: html for name, html in rendered.items() if self._html.get(name) != html}
        self._html.update(news)
        return "".join(news.values())


async def no_context() -> Mapping[str, Any]:
    """Give nothing beside what every template has."""
    return {}


async def fragments(
    request: Request, templates: tuple[str, ...], context: Contexts = no_context
) -> AsyncIterator[ServerSentEvent]:
    """Yield the fragments that changed, at once and then at every change, until the browser leaves.

    Args:
        request: The open connection.
        templates: Templates whose one element has an id that the page has, too.
        context: Called before each rendering.
    """
    dashboard = dashboard_of(request)
    sent = Sent()
    with dashboard.sampler.subscribe() as wake:
        while not dashboard.sampler.ending:
            values = await context()
            rendered = {name: dashboard.render(name, values, request.state.caller) for name in templates}
            html = sent.changed(rendered)
            if html:
                yield ServerSentEvent(html, event="fragments")
            await wake.wait()
            await asyncio.sleep(_PAUSE_S)  # what changes together is sent together
            wake.clear()
