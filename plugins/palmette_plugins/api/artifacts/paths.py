"""Which file names an artifact or archive may hold."""

from __future__ import annotations

from pathlib import PurePosixPath

from palmette_plugins.api.errors import InvalidArgument


def safe_relative_path(path: str, field: str = "path") -> str:
    """Return `path` if it stays inside its folder on every system; raise `InvalidArgument` otherwise."""
    pure = PurePosixPath(path)
    wrong = (
        not path
        or "\\" in path
        or "\x00" in path
        or ":" in path
        or len(path) > 512
        or pure.is_absolute()
        or any(part in ("", ".", "..") for part in path.split("/"))
    )
    if wrong:
        raise InvalidArgument.field(field, f"{path!r} is not a relative path inside the artifact")
    return path
