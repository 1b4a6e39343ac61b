"""Quick answers about models, without a job: a form a question, and its answer on the same page."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from palmette.errors import InvalidRequest, PalmetteError
from palmette.types import HealthState, InputType, PluginInput
from palmette_gateway.dashboard.asking.answer import Answer
from palmette_gateway.dashboard.asking.panel import Panel
from palmette_gateway.dashboard.asking.question import Question, address, carried, read_question
from palmette_gateway.dashboard.asking.registry import panel_of, panels
from palmette_gateway.dashboard.calls.plugins import get_plugin
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.errors import status_and_title
from palmette_gateway.dashboard.forms.fields import Field
from palmette_gateway.dashboard.forms.placing import Placed, place
from palmette_gateway.dashboard.forms.schema import fields_of
from palmette_gateway.dashboard.forms.suggestions import suggest

_INPUTS = {InputType.MODEL: "model", InputType.DATASET: "data"}


async def first(_: Request) -> Response:
    """Go to the first question."""
    return RedirectResponse(address(panels()[0]))


async def show(request: Request) -> Response:
    """Show the form, and the answer where the address asks for one; what is wrong with it at its fields."""
    panel = panel_of(request.path_params["panel"])
    if panel is None:
        raise HTTPException(404)
    if panel.service not in dashboard_of(request).suite.services:
        return await _page(request, panel, (), missing=True)
    settings = await _settings(request, panel)
    question = read_question(panel, settings, request.query_params)
    if not question.complete or question.problems:
        return await _page(request, panel, settings, question, status=422 if question.problems else 200)
    suite, caller = dashboard_of(request).suite, request.state.caller
    try:
        answer = await panel.answer(suite, caller, question.values)
    except InvalidRequest as error:
        violations = {violation.field: violation.description for violation in error.violations}
        question.problems.update(violations)
        return await _page(request, panel, settings, question, trouble="" if violations else str(error), status=422)
    except PalmetteError as error:
        status, _ = status_and_title(error)
        return await _page(request, panel, settings, question, trouble=str(error), status=status)
    return await _page(request, panel, settings, question, answer=answer)


async def _settings(request: Request, panel: Panel) -> tuple[Field, ...]:
    """Return the fields for the method's settings; none if the service does not answer, which asking it tells."""
    if not panel.method:
        return ()
    try:
        plugin = await get_plugin(dashboard_of(request).suite, panel.service, panel.method)
    except PalmetteError:
        return ()
    return tuple(field for field in fields_of(plugin.config_schema) if field.name in panel.settings)


async def _page(
    request: Request,
    panel: Panel,
    settings: tuple[Field, ...],
    question: Question | None = None,
    *,
    answer: Answer | None = None,
    trouble: str = "",
    missing: bool = False,
    status: int = 200,
) -> Response:
    dashboard, filled = dashboard_of(request), request.query_params
    fields = (*settings, *panel.fields)
    placed: Placed = place(
        question.problems if question else {}, fields, [reference.name for reference in panel.references]
    )
    offered = await _offered(request, panel)
    context = {
        "panel": panel,
        "tabs": [(other, address(other, carried(panel, other, filled))) for other in panels()],
        "fields": fields,
        "filled": filled,
        "suggestions": offered,
        "problems": placed.at_fields,
        "general": placed.elsewhere,
        "trouble": trouble,
        "service_trouble": _service_trouble(request, panel),
        "missing": missing,
        "answer": answer,
        "next_field": _next_field(panel, filled),
        "command": panel.command(question.values) if question and answer else "",
    }
    return dashboard.page(request, "models.html", context, status)


def _service_trouble(request: Request, panel: Panel) -> str:
    """Return why the service may not answer, as the suite's health tells it."""
    for part in dashboard_of(request).sampler.health.troubled:
        if part.name == f"services/{panel.service}" and part.state is HealthState.UNHEALTHY:
            return part.reason or "It does not answer."
    return ""


async def _offered(request: Request, panel: Panel) -> Mapping[str, list[tuple[str, str]]]:
    """Return references to offer, by their type: jobs call such inputs model and data."""
    names = {reference.type: _INPUTS.get(reference.type, reference.name) for reference in panel.references}
    found = await suggest(dashboard_of(request).suite, [PluginInput(name, type_) for type_, name in names.items()])
    return {type_.value: found[name] for type_, name in names.items()}


def _next_field(panel: Panel, filled: Mapping[str, str]) -> str:
    """Return the required field that is left to fill in after another one came with the address."""
    empty = [name for name in panel.required if not filled.get(name, "").strip()]
    return empty[0] if empty and len(empty) < len(panel.required) else ""


ROUTES = [Route("/models", first), Route("/models/{panel}", show)]
