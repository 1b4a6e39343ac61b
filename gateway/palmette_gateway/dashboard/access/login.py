"""Signing in with a token and out again."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from palmette_gateway.dashboard.access.guard import require_same_origin
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.ports import InvalidToken

COOKIE = "palmette_token"
_LONGEST_S = 366 * 24 * 3600


async def show(request: Request) -> Response:
    """Show the form. A link ``/login#token=...`` fills it: fragments never reach a server or its logs."""
    return _form(request, next_page=_local(request.query_params.get("next", "/")))


async def sign_in(request: Request) -> Response:
    """Verify the token and keep it in a cookie that scripts cannot read."""
    require_same_origin(request)
    form = await request.form()
    token = str(form.get("token", "")).strip()
    next_page = _local(str(form.get("next", "/")))
    if not token:
        return _form(request, next_page, "Paste a token: `palmette up` says which file holds yours.")
    try:
        identity = await dashboard_of(request).suite.verify(token)
    except InvalidToken as error:
        return _form(request, next_page, str(error))
    lifetime_s = _LONGEST_S
    if identity.expire_time:
        lifetime_s = int((identity.expire_time - datetime.now(UTC)).total_seconds())
    response = RedirectResponse(next_page, status_code=303)
    response.set_cookie(
        COOKIE, token, max_age=max(lifetime_s, 1), httponly=True, samesite="strict", secure=_is_https(request), path="/"
    )
    return response


async def sign_out(request: Request) -> Response:
    """Forget the token."""
    require_same_origin(request)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=_is_https(request))
    return response


def _form(request: Request, next_page: str, problem: str = "") -> Response:
    context = {"next_page": next_page, "problem": problem}
    return dashboard_of(request).page(request, "login.html", context, status_code=401 if problem else 200)


def _local(path: str) -> str:
    """Return `path` if it is a page of this dashboard, else the overview: no redirects to other sites."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\", "/login")) and "\\" not in path
    return path if safe and path.isprintable() else "/"


def _is_https(request: Request) -> bool:
    return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"


ROUTES = [
    Route("/login", show),
    Route("/login", sign_in, methods=["POST"]),
    Route("/logout", sign_out, methods=["POST"]),
]
