"""One deployment: how it does, its versions, how to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palmette.errors import InvalidRequest, NotFound, PalmetteError
from palmette.types import DeploymentInfo
from palmette_gateway.dashboard.access.caller import Action
from palmette_gateway.dashboard.access.guard import mutation
from palmette_gateway.dashboard.calls.deployments import delete_deployment, get_deployment, roll_back
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.live.stream import COMMON, fragments
from palmette_gateway.dashboard.pages.answers import done
from palmette_gateway.dashboard.presentation.snippet import triton_snippet


async def show(request: Request) -> Response:
    """Show the deployment."""
    dashboard = dashboard_of(request)
    await dashboard.sampler.fresh()
    deployment = await get_deployment(dashboard.suite, request.path_params["id"])
    return dashboard.page(request, "deployment.html", _context(request, deployment))


async def live(request: Request) -> Response:
    """Stream the deployment's state and figures."""
    dashboard = dashboard_of(request)
    last = await get_deployment(dashboard.suite, request.path_params["id"])

    async def context() -> Mapping[str, Any]:
        nonlocal last
        gone = False
        try:
            last = await get_deployment(dashboard.suite, request.path_params["id"])
        except NotFound:
            gone = True
        except PalmetteError:
            pass  # the page goes on showing the last known state under the banner that names what is down
        return {**_context(request, last), "gone": gone}

    return EventSourceResponse(fragments(request, (*COMMON, "live/deployment.html"), context))


async def back(request: Request) -> Response:
    """Serve an older version again."""
    version = str((await request.form()).get("version", ""))
    if not version.isdecimal():
        raise InvalidRequest.field("version", "choose one of the versions on the deployment's page")
    await roll_back(dashboard_of(request).suite, request.path_params["id"], int(version), request.state.caller)
    return done(request, request.url.path.rpartition("/")[0])


async def delete(request: Request) -> Response:
    """Unload the model and go to the list."""
    await delete_deployment(dashboard_of(request).suite, request.path_params["id"], request.state.caller)
    return done(request, "/deployments", leave=True)


def _context(request: Request, deployment: DeploymentInfo) -> dict[str, Any]:
    newest = deployment.versions[0] if deployment.versions else None
    shown = deployment.serving or newest
    tls = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    address = request.headers.get("host", "127.0.0.1:8080")
    return {
        "deployment": deployment,
        "newest": newest,
        "shown": shown,
        "snippet": triton_snippet(deployment.id, shown, address, tls=tls) if shown and shown.inputs else "",
        "gone": False,
    }


_PATH = "/deployments/{id}"
ROUTES = [
    Route(_PATH, show),
    Route(f"/live{_PATH}", live),
    Route(f"{_PATH}/rollback", mutation(Action.ROLL_BACK, back), methods=["POST"]),
    Route(f"{_PATH}/delete", mutation(Action.DELETE_DEPLOYMENT, delete), methods=["POST"]),
]
