"""Database URLs as users write them, and as the drivers want them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from palmette_plugins.api.errors import InvalidArgument

_SYNC = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_ASYNC = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}


def sync_url(text: str) -> URL:
    """Return the URL for migrations."""
    return _with_driver(text, _SYNC)


def async_url(text: str) -> URL:
    """Return the URL for the service."""
    return _with_driver(text, _ASYNC)


def sqlite_file(text: str) -> Path | None:
    """Return the file of an SQLite URL; None for another database."""
    url = _with_driver(text, _SYNC)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _with_driver(text: str, drivers: dict[str, str]) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise InvalidArgument.field("PALMETTE_DATABASE_URL", "is not a URL such as sqlite:////data/x.db") from None
    backend = {"postgres": "postgresql"}.get(url.get_backend_name(), url.get_backend_name())
    if backend not in drivers:
        raise InvalidArgument.field("PALMETTE_DATABASE_URL", f"'{backend}' is not supported; use sqlite or postgresql")
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise InvalidArgument.field("PALMETTE_DATABASE_URL", "needs a file: what is only in memory would be lost")
    return url.set(drivername=drivers[backend])
