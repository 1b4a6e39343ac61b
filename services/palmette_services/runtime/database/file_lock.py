"""One service per SQLite file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from palmette_plugins.api.errors import FailedPrecondition


class DatabaseLock:
    """Holds ``<database>.lock`` for as long as the process lives; a killed process frees it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.lock")
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock; raise `FailedPrecondition` naming the process that has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "another process"
            file.close()
            raise FailedPrecondition(
                f"the database {self._path.with_suffix('')} is in use by {owner}; "
                "stop that service, or give this one a PALMETTE_DATABASE_URL of its own"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
