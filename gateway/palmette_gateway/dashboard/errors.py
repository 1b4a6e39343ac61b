"""Errors as pages: what happened and what to do, never a traceback."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from palmette import errors
from palmette_gateway.dashboard.context import dashboard_of

_UNFORESEEN = "Something failed that should not"
_PAGES: tuple[tuple[type[errors.PalmetteError], int, str], ...] = (
    (errors.NotFound, 404, "There is nothing here"),
    (errors.InvalidRequest, 400, "That is not possible"),
    (errors.FailedPrecondition, 409, "That is not possible now"),
    (errors.AlreadyExists, 409, "That name is taken"),
    (errors.PermissionDenied, 403, "You may not do that"),
    (errors.Unauthenticated, 401, "Please sign in again"),
    (errors.ResourceExhausted, 503, "The suite is busy"),
    (errors.Unavailable, 503, "A part of the suite does not answer"),
    (errors.DeadlineExceeded, 504, "A part of the suite takes too long"),
)


def status_and_title(error: errors.PalmetteError) -> tuple[int, str]:
    """Return the HTTP status and the heading for an error of the suite."""
    for kind, status, title in _PAGES:
        if isinstance(error, kind):
            return status, title
    return 500, _UNFORESEEN


async def suite_error(request: Request, error: Exception) -> Response:
    """Show an error that the suite gave as the answer to a page."""
    assert isinstance(error, errors.PalmetteError)
    status, title = status_and_title(error)
    return _page(request, title, str(error), status)


async def http_error(request: Request, error: Exception) -> Response:
    """Show an address that leads nowhere."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _page(request, "There is nothing here", f"No page has the address {request.url.path}.", 404)
    return _page(request, "That is not possible", error.detail, error.status_code)


def unexpected_error(request: Request) -> Response:
    """Show that a page failed; why is for the log, which admins read."""
    text = "The page could not be made, which is a fault of Palmette. The gateway's log has the cause."
    return _page(request, _UNFORESEEN, text, 500)


def _page(request: Request, title: str, text: str, status: int) -> Response:
    if "hx-request" in request.headers:
        response = dashboard_of(request).page(request, "toast.html", {"title": title, "text": text}, status)
        response.headers.update({"hx-retarget": "#toasts", "hx-reswap": "beforeend"})
        return response
    address = request.url.path if request.method == "POST" else "/"
    up = address.rsplit("/", 1)[0] if request.method == "POST" else "/"
    context = {"title": title, "text": text, "back": up or "/", "back_name": "Back" if up != "/" else "To the overview"}
    return dashboard_of(request).page(request, "problem.html", context, status)
