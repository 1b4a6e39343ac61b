"""A service's own database: SQLite by default, PostgreSQL by URL."""

from palmette_services.runtime.database.base import Base
from palmette_services.runtime.database.engine import Database

__all__ = ["Base", "Database"]
