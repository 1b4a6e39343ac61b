"""Who makes the call that is being answered: read from the token itself, not from headers that could be forged."""

from __future__ import annotations

from contextvars import ContextVar
from http.cookies import SimpleCookie
from typing import Any

import grpc
from google.rpc import code_pb2

from palmette_gateway.access.methods import rules_by_path
from palmette_gateway.access.tokens import COOKIE, Identity, TokenError, Tokens
from palmette_gateway.errors import call_error

_caller: ContextVar[Identity] = ContextVar("caller")

AnyContext = grpc.aio.ServicerContext[Any, Any]


def caller() -> Identity:
    """The caller of the current call."""
    return _caller.get()


def authenticate(method: str, context: AnyContext, tokens: Tokens) -> None:
    """Find out who calls, and refuse those who may not.

    Envoy has already done so for everything that came through it; this holds for whoever connects directly.

    Raises:
        CallError: UNAUTHENTICATED or PERMISSION_DENIED.
    """
    needed = rules_by_path()[method].role
    if needed is None:
        return
    token = _token(context)
    if token is None:
        raise call_error(code_pb2.UNAUTHENTICATED, "no token: send it as metadata 'authorization: Bearer <token>'")
    try:
        identity = tokens.identify(token)
    except TokenError as error:
        raise call_error(code_pb2.UNAUTHENTICATED, str(error)) from error
    if not identity.role.allows(needed):
        message = f"the role '{identity.role.claim}' may not call {method}: it takes the role '{needed.claim}'"
        raise call_error(code_pb2.PERMISSION_DENIED, message)
    _caller.set(identity)


def header(context: AnyContext, name: str) -> str:
    """A text header of the current call, or empty."""
    for key, value in context.invocation_metadata() or ():
        if key == name and isinstance(value, str):
            return value
    return ""


def _token(context: AnyContext) -> str | None:
    scheme, _, token = header(context, "authorization").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    cookie = SimpleCookie(header(context, "cookie")).get(COOKIE)
    return cookie.value if cookie else None
