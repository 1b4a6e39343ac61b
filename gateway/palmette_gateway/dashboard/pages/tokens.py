"""Who the caller is, and tokens for others."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palmette.errors import InvalidRequest, PalmetteError
from palmette.types import Role, Token
from palmette_gateway.dashboard.access.caller import Action
from palmette_gateway.dashboard.access.guard import mutation
from palmette_gateway.dashboard.calls.tokens import issue_token
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.errors import status_and_title

_DAYS = (1, 7, 30, 90, 366)


async def show(request: Request) -> Response:
    """Show who the caller is and, to admins, the form."""
    return _page(request, {})


async def issue(request: Request) -> Response:
    """Issue a token and show it, once."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        token = await _issue(request, form)
    except InvalidRequest as error:
        return _page(request, form, problem=str(error), status=422)
    except PalmetteError as error:
        return _page(request, form, problem=str(error), status=status_and_title(error)[0])
    return _page(request, form, token)


async def _issue(request: Request, form: dict[str, str]) -> Token:
    subject, role, days = form.get("subject", "").strip(), form.get("role", ""), form.get("days", "")
    if not subject:
        raise InvalidRequest.field("subject", "say who the token is for, such as alice or ci")
    if role not in set(Role):
        raise InvalidRequest.field("role", f"must be one of {', '.join(Role)}")
    if not days.isdecimal() or int(days) not in _DAYS:
        raise InvalidRequest.field("days", f"must be one of {', '.join(map(str, _DAYS))}")
    lifetime = timedelta(days=int(days))
    return await issue_token(dashboard_of(request).suite, subject, Role(role), lifetime, request.state.caller)


def _page(
    request: Request, filled: dict[str, str], token: Token | None = None, problem: str = "", status: int = 200
) -> Response:
    context = {"filled": filled, "token": token, "problem": problem, "roles": list(Role), "days": _DAYS}
    return dashboard_of(request).page(request, "tokens.html", context, status)


ROUTES = [Route("/tokens", show), Route("/tokens", mutation(Action.ISSUE_TOKEN, issue), methods=["POST"])]
