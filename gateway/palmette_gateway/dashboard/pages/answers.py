"""Answers to requests that changed something."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response


def done(request: Request, address: str, *, leave: bool = False) -> Response:
    """Say that it is done: a browser goes to `address`; a live page stays and sees the change unless it should leave.

    Args:
        request: The request that changed something.
        address: Where to go.
        leave: The page that sent the request has nothing more to show.
    """
    if "hx-request" not in request.headers:
        return RedirectResponse(address, status_code=303)
    return Response(status_code=204, headers={"hx-redirect": address} if leave else {})
