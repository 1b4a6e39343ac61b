"""Addresses of static files that change with their content, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent.parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def static_url(path: str) -> str:
    """Return the address of a static file."""
    return f"/static/{path}?v={hashlib.sha256((FOLDER / path).read_bytes()).hexdigest()[:10]}"


class Assets(StaticFiles):
    """The static folder; files asked for by their version are kept by the browser."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve one file."""
        response = await super().get_response(path, scope)
        kept = b"v=" in scope["query_string"] or path.endswith(".woff2")
        response.headers["cache-control"] = _FOR_EVER if kept else "no-cache"
        return response
