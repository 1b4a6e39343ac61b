"""The list of artifacts."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palmette.errors import PalmetteError
from palmette.types import Artifact
from palmette_gateway.dashboard.calls.artifacts import list_artifacts
from palmette_gateway.dashboard.context import dashboard_of

KINDS = ("model", "supernet", "dataset", "index", "run", "table", "report", "servable")
_FILTERS = ("kind", "plugin", "task", "job")


async def show(request: Request) -> Response:
    """Show a page of artifacts, newest first; htmx gets the list alone."""
    dashboard = dashboard_of(request)
    chosen = {name: request.query_params[name].strip() for name in _FILTERS if request.query_params.get(name)}
    token = request.query_params.get("page_token", "")
    problem, more = "", ""
    artifacts: tuple[Artifact, ...] = ()
    try:
        filter_text = " AND ".join(f"{name}={value}" for name, value in chosen.items())
        artifacts, more = await list_artifacts(dashboard.suite, filter_text, page_token=token)
    except PalmetteError as error:
        problem = str(error)
    context = {
        "artifacts": artifacts,
        "chosen": chosen,
        "problem": problem,
        "kinds": KINDS,
        "next_address": f"/artifacts?{urlencode({**chosen, 'page_token': more})}" if more else "",
        "first_address": f"/artifacts?{urlencode(chosen)}" if token else "",
    }
    alone = request.headers.get("hx-target") == "artifact-list"
    return dashboard.page(request, "artifact_list.html" if alone else "artifacts.html", context)


ROUTES = [Route("/artifacts", show)]
