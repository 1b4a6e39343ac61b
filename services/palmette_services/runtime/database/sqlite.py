"""How connections to SQLite are set up, sync and async alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

BUSY_TIMEOUT_S = 10.0
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an accepted job survives a power cut
    "foreign_keys=ON",
    "cache_size=-8000",
)


def set_up_sqlite(engine: Engine) -> None:
    """Make the engine's transactions real: the driver itself would begin them late and never around DDL."""
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("palmette_begin", "BEGIN"))
