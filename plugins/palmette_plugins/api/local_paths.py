"""Paths of this machine inside references."""

from __future__ import annotations

from pathlib import Path

from palmette_plugins.api.errors import InvalidArgument


def local_path(text: str, field: str = "reference") -> Path:
    """Return the path that a user wrote, with ``~`` expanded; raise `InvalidArgument` for one that cannot exist."""
    if "\0" in text:
        raise InvalidArgument.field(field, f"{text!r} is not a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # no such user
        raise InvalidArgument.field(field, f"'{text}' is not a path: {error}") from None
