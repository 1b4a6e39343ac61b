"""The one place that decides whether a request that changes something goes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from palmette.errors import PermissionDenied
from palmette_gateway.dashboard.access.caller import Action, Caller

Handler = Callable[[Request], Awaitable[Response]]


def mutation(action: Action, handler: Handler) -> Handler:
    """Return `handler` behind the checks of origin and role; they raise `PermissionDenied`.

    The services and Envoy check the role as well; here it is checked so that the refusal is a page that reads well.
    """

    async def guarded(request: Request) -> Response:
        require_same_origin(request)
        caller: Caller = request.state.caller
        if not caller.may(action):
            raise PermissionDenied(
                f"As {caller.role.value} you may not {action.phrase}: that needs the role {action.least_role.value}. "
                "Ask an admin for a token with it."
            )
        return await handler(request)

    return guarded


def require_same_origin(request: Request) -> None:
    """Raise `PermissionDenied` unless a page of this dashboard sent the request."""
    origin = request.headers.get("origin", "")
    if not origin or urlsplit(origin).netloc != request.headers.get("host", ""):
        raise PermissionDenied("This request did not come from a page of this dashboard, so nothing was changed.")
