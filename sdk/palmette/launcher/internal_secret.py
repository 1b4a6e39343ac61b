"""The secret by which the services of a suite know that a call comes through its gateway."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from palmette.home import Home

HEADER = "x-palmette-internal-secret"


def internal_secret_file(home: Home) -> Path:
    """Return where a suite keeps it."""
    return home.auth / "internal-secret"


def renew_internal_secret(home: Home) -> None:
    """Write a new one, readable by the user only: what an earlier run of the suite used is worth nothing."""
    path = internal_secret_file(home)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secrets.token_hex(32)}\n")
    temporary.replace(path)


def metadata_with(path: Path) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call straight to a service."""
    return ((HEADER, path.read_text().strip()),)
