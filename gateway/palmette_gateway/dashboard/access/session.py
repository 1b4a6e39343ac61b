"""Sends people without a valid token to the login page."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from palmette_gateway.dashboard.access.caller import caller_of

_OPEN = ("/login", "/logout", "/static/", "/favicon.ico")


class Session:
    """Sets ``request.state.caller`` from Envoy's headers; without them only the open paths are served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        caller = caller_of(connection)
        scope.setdefault("state", {})["caller"] = caller
        if caller is None and not scope["path"].startswith(_OPEN):
            await _refuse(connection)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _refuse(connection: HTTPConnection) -> Response:
    page = connection.scope["method"] == "GET" and "text/html" in connection.headers.get("accept", "")
    if page and "hx-request" not in connection.headers:
        query = f"?{connection.url.query}" if connection.url.query else ""
        return RedirectResponse("/login?" + urlencode({"next": connection.url.path + query}), status_code=303)
    # htmx follows this header with a full page load; everything else sees the status.
    return PlainTextResponse("Sign in at /login", status_code=401, headers={"hx-redirect": "/login"})
