"""The catalogue of methods."""

from __future__ import annotations

from collections import defaultdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palmette.errors import PalmetteError
from palmette.types import Plugin
from palmette_gateway.dashboard.calls.plugins import list_plugins
from palmette_gateway.dashboard.context import dashboard_of


async def show(request: Request) -> Response:
    """Show every method, by service; broken ones with the reason."""
    dashboard = dashboard_of(request)
    problem = ""
    by_service: dict[str, list[Plugin]] = defaultdict(list)
    unreachable = {}
    try:
        plugins, found = await list_plugins(dashboard.suite)
        unreachable = dict(found)
        for plugin in plugins:
            by_service[plugin.service].append(plugin)
    except PalmetteError as error:
        problem = str(error)
    context = {"by_service": dict(by_service), "unreachable": unreachable, "problem": problem}
    return dashboard.page(request, "plugins.html", context)


ROUTES = [Route("/plugins", show)]
