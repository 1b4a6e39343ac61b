"""Bringing a database to the newest schema with Alembic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from palmette_plugins.api.errors import Unavailable
from palmette_services.runtime.database.sqlite import set_up_sqlite
from palmette_services.runtime.database.url import sync_url

_RUNTIME = Path(__file__).parents[1] / "migrations"
_ADVISORY_LOCK = 0x70616C6D  # "palm": replicas that start together migrate one after the other


def migrate(url: str, folders: Sequence[Path] = ()) -> None:
    """Upgrade the database to the newest revisions of the runtime and of a service's own `folders`. Blocks.

    Raises:
        Unavailable: The database cannot be opened.
    """
    engine = create_engine(sync_url(url))
    if engine.dialect.name == "sqlite":
        set_up_sqlite(engine)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            command.upgrade(migration_config(connection, folders), "heads")
    except OperationalError as error:
        why = str(error.orig).splitlines()[0]
        raise Unavailable(f"cannot open the database {engine.url.render_as_string()}: {why}") from error
    finally:
        engine.dispose()


def migration_config(connection: Connection, folders: Sequence[Path] = ()) -> Config:
    """Return Alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(_RUNTIME))
    config.set_main_option("path_separator", "newline")
    locations = [str(_RUNTIME / "versions"), *(str(folder) for folder in folders)]
    config.set_main_option("version_locations", "\n".join(locations))
    config.attributes["connection"] = connection
    return config
