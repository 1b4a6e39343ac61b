"""The list of deployments, and the form that makes one."""

from __future__ import annotations

from collections.abc import Mapping

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from palmette.errors import InvalidRequest, PalmetteError
from palmette.types import Artifact
from palmette_gateway.dashboard.access.caller import Action
from palmette_gateway.dashboard.access.guard import mutation
from palmette_gateway.dashboard.calls.artifacts import list_artifacts
from palmette_gateway.dashboard.calls.deployments import create_deployment
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.errors import status_and_title
from palmette_gateway.dashboard.forms.deployment import FIELDS, read_deployment
from palmette_gateway.dashboard.forms.placing import place
from palmette_gateway.dashboard.live.stream import COMMON, fragments
from palmette_gateway.dashboard.presentation import links


async def show(request: Request) -> Response:
    """Show every deployment with its figures."""
    dashboard = dashboard_of(request)
    await dashboard.sampler.fresh()
    return dashboard.page(request, "deployments.html")


async def live(request: Request) -> Response:
    """Stream the list."""
    return EventSourceResponse(fragments(request, (*COMMON, "live/deployment_list.html")))


async def ask(request: Request) -> Response:
    """Show the form, with the artifact of the address."""
    names = ("artifact", "deployment_id")
    filled = {name: request.query_params[name] for name in names if name in request.query_params}
    return await _form(request, filled)


async def create(request: Request) -> Response:
    """Serve the artifact and go to the deployment's page, or show what is wrong at its fields."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    call, problems = read_deployment(form)
    if problems:
        return await _form(request, form, problems, status=422)
    try:
        deployment = await create_deployment(dashboard_of(request).suite, call, request.state.caller)
    except InvalidRequest as error:
        violations = {violation.field: violation.description for violation in error.violations}
        return await _form(request, form, violations, "" if violations else str(error), status=422)
    except PalmetteError as error:
        return await _form(request, form, {}, str(error), status=status_and_title(error)[0])
    return RedirectResponse(links.deployment(deployment.name), status_code=303)


async def _form(
    request: Request,
    filled: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    general: str = "",
    status: int = 200,
) -> Response:
    dashboard = dashboard_of(request)
    await dashboard.sampler.fresh()
    own = {name.removeprefix("settings."): text for name, text in (problems or {}).items()}
    placed = place(own, FIELDS, ["deployment_id", "artifact"])
    context = {
        "filled": filled,
        "problems": placed.at_fields,
        "general": [text for text in (general, *placed.elsewhere) if text],
        "fields": FIELDS,
        "models": await _models(request),
        "has_any": lambda *names: any(filled.get(name) or name in placed.at_fields for name in names),
    }
    return dashboard.page(request, "deploy.html", context, status)


async def _models(request: Request) -> tuple[Artifact, ...]:
    """Return models to offer; none when the registry does not answer, which the page's banner says."""
    try:
        return (await list_artifacts(dashboard_of(request).suite, "kind=model", page_size=40))[0]
    except PalmetteError:
        return ()


ROUTES = [
    Route("/deployments", show),
    Route("/deployments", mutation(Action.DEPLOY, create), methods=["POST"]),
    Route("/deployments/new", ask),
    Route("/live/deployments", live),
]
