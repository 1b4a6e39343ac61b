"""The trace that a call is part of, as text that can be stored with a job and handed to a worker."""

from __future__ import annotations

from contextvars import ContextVar

_traceparent: ContextVar[str] = ContextVar("palmette_traceparent", default="")


def current_traceparent() -> str:
    """Return the W3C ``traceparent`` of the call that is being answered; empty if it is not traced."""
    return _traceparent.get()


def set_traceparent(value: str) -> None:
    """Set it for the rest of this call: each runs in a task of its own."""
    _traceparent.set(value)
