"""What lies in a store and belongs to no artifact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GarbageReport:
    """What `collect_garbage` removed, or would remove."""

    blobs: tuple[str, ...]
    unfinished: tuple[str, ...]
    freed_bytes: int


@dataclass(frozen=True)
class StoredFile:
    """A file of the store, as its file system lists it; times in seconds since 1970."""

    path: str
    size_bytes: int
    modified_s: float

    @property
    def name(self) -> str:
        """The last part of the path: a blob's digest."""
        return self.path.rsplit("/", 1)[-1]


def stored_files(file_system: Any, folder: str) -> list[StoredFile]:
    """Return all files below a folder of an fsspec file system; none where there is no such folder."""
    try:
        found = file_system.find(folder, detail=True).values()
    except FileNotFoundError:
        return []
    return [StoredFile(info["name"], info["size"], _modified_s(info)) for info in found]


def garbage_report(loose: Sequence[StoredFile], unfinished: Sequence[StoredFile]) -> GarbageReport:
    """Return what is said of these files."""
    return GarbageReport(
        blobs=tuple(file.name for file in loose),
        unfinished=tuple(file.name for file in unfinished),
        freed_bytes=sum(file.size_bytes for file in (*loose, *unfinished)),
    )


def _modified_s(info: dict[str, Any]) -> float:
    modified = info.get("mtime", info.get("LastModified", info.get("created", 0.0)))
    return float(modified.timestamp() if hasattr(modified, "timestamp") else modified)
