"""What Envoy does in front of the dashboard: identity from the cookie or the bearer token, never from the client."""

from __future__ import annotations

from http.cookies import SimpleCookie

from starlette.types import ASGIApp, Receive, Scope, Send

from palmette.types import Role

_TRUSTED = (b"x-palmette-user", b"x-palmette-role")


class Front:
    """An ASGI application in front of the dashboard; a token is the role's name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [(name, value) for name, value in scope["headers"] if name not in _TRUSTED]
            token = _token(dict(headers))
            if token in set(Role):
                headers += [(b"x-palmette-user", f"{token}@example.org".encode()), (b"x-palmette-role", token.encode())]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


def _token(headers: dict[bytes, bytes]) -> str:
    bearer = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
    cookie = SimpleCookie(headers.get(b"cookie", b"").decode()).get("palmette_token")
    return bearer or (cookie.value if cookie else "")
