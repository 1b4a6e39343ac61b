"""One method: what it does, and the form that starts it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from palmette.errors import InvalidRequest, PalmetteError, PermissionDenied
from palmette.types import Plugin
from palmette_gateway.dashboard.access.caller import Action
from palmette_gateway.dashboard.access.guard import mutation, require_same_origin
from palmette_gateway.dashboard.calls.jobs import get_job, list_jobs, submit_job
from palmette_gateway.dashboard.calls.plugins import get_plugin
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.errors import status_and_title
from palmette_gateway.dashboard.forms.filling import fill_from
from palmette_gateway.dashboard.forms.placing import Placed, place
from palmette_gateway.dashboard.forms.schema import fields_of
from palmette_gateway.dashboard.forms.submission import RUN_FIELDS, Submission, read_submission
from palmette_gateway.dashboard.forms.suggestions import suggestions
from palmette_gateway.dashboard.presentation import links
from palmette_gateway.dashboard.presentation.commands import run_command


async def _plugin(request: Request) -> Plugin:
    return await get_plugin(dashboard_of(request).suite, request.path_params["service"], request.path_params["id"])


async def show(request: Request) -> Response:
    """Show the method with an empty form, with inputs from the address, or with what another job had."""
    plugin = await _plugin(request)
    filled = {name: text for name, text in request.query_params.items() if name.startswith(("inputs.", "config."))}
    source = request.query_params.get("from", "")
    if source.count("/") == 3:
        filled = fill_from(await get_job(dashboard_of(request).suite, source), plugin) | filled
    return await _page(request, plugin, filled)


async def submit(request: Request) -> Response:
    """Start the job and go to its page, or show what is wrong with the form at its fields."""
    plugin = await _plugin(request)
    form = await _form(request)
    submission = read_submission(plugin, form)
    only_check = "check" in form or bool(submission.problems)
    call = submission.request(plugin, "" if only_check else form.get("nonce", ""), only_check)
    try:
        job = await submit_job(dashboard_of(request).suite, call, request.state.caller)
    except InvalidRequest as error:
        violations = {violation.field: violation.description for violation in error.violations}
        general = "" if violations else str(error)
        return await _page(request, plugin, form, {**violations, **submission.problems}, general, status=422)
    except PermissionDenied:
        raise
    except PalmetteError as error:
        status, _ = status_and_title(error)
        return await _page(request, plugin, form, submission.problems, str(error), status=status)
    if submission.problems:
        return await _page(request, plugin, form, submission.problems, status=422)
    if only_check:
        return await _page(request, plugin, form, checked=True)
    return RedirectResponse(links.job(job.name), status_code=303)


async def command(request: Request) -> Response:
    """Show the terminal command for the form as it is filled in now."""
    require_same_origin(request)
    plugin = await _plugin(request)
    form = await _form(request)
    context = {"command": _command(plugin, read_submission(plugin, form))}
    return dashboard_of(request).page(request, "live/command.html", context)


async def _page(
    request: Request,
    plugin: Plugin,
    filled: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    general: str = "",
    *,
    checked: bool = False,
    status: int = 200,
) -> Response:
    dashboard = dashboard_of(request)
    fields = fields_of(plugin.config_schema)
    offered, recent = await asyncio.gather(suggestions(dashboard.suite, plugin), _recent(request, plugin))
    paths = [*(f"inputs.{item.name}" for item in plugin.inputs), *(field.path for field in RUN_FIELDS)]
    placed: Placed = place(problems or {}, fields, paths)
    context = {
        "plugin": plugin,
        "fields": fields,
        "run_fields": RUN_FIELDS,
        "filled": filled,
        "has_any": lambda *prefixes: _has_any(prefixes, filled, placed.at_fields),
        "problems": placed.at_fields,
        "general": [text for text in (general, *placed.elsewhere) if text],
        "checked": checked,
        "suggestions": offered,
        "nonce": uuid.uuid4().hex,
        "recent": recent,
        "command": _command(plugin, read_submission(plugin, filled)),
    }
    return dashboard.page(request, "plugin.html", context, status)


def _has_any(prefixes: tuple[str, ...], filled: Mapping[str, str], problems: Mapping[str, str]) -> bool:
    """Whether a group should be open: something in it is filled in, or wrong."""
    names = [name for name, text in filled.items() if text] + list(problems)
    return any(name == prefix or name.startswith(f"{prefix}.") for name in names for prefix in prefixes)


async def _recent(request: Request, plugin: Plugin) -> tuple[Any, ...]:
    """Return the method's last jobs; none if the service does not answer."""
    try:
        page = await list_jobs(dashboard_of(request).suite, f"plugin={plugin.id}", service=plugin.service, page_size=5)
    except PalmetteError:
        return ()
    return page.jobs


def _command(plugin: Plugin, submission: Submission) -> str:
    return run_command(
        f"{plugin.service}/{plugin.id}",
        submission.inputs,
        submission.config,
        seed=submission.run.get("seed"),
        labels=submission.labels,
        priority=submission.run.get("priority", 0),
    )


async def _form(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


_PATH = "/plugins/{service}/{id}"
ROUTES = [
    Route(_PATH, show),
    Route(_PATH, mutation(Action.SUBMIT_JOB, submit), methods=["POST"]),
    Route(f"{_PATH}/command", command, methods=["POST"]),
]
