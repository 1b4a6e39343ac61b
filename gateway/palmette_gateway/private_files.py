"""Writes files that only the user may read, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def create_private(path: Path, content: bytes) -> bool:
    """Create a file that only its owner may read; return False, and leave it, if there is one already."""
    staged = _stage(path, content, 0o600)
    try:
        os.link(staged, path)
    except FileExistsError:
        return False
    finally:
        staged.unlink()
    return True


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put a file in place in one step; readers see the former content or all of the new."""
    _stage(path, content, mode).replace(path)


def _stage(path: Path, content: bytes, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by the owner only
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)
