"""Writing one artifact: files first, the manifest last."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palmette_plugins.api.artifacts.disk import disk_errors
from palmette_plugins.api.artifacts.manifest import ArtifactFile, Manifest
from palmette_plugins.api.artifacts.paths import safe_relative_path

if TYPE_CHECKING:
    from types import TracebackType

    from palmette_plugins.api.artifacts.store import ArtifactStore

_CHUNK_BYTES = 1 << 20


class ArtifactWriter:
    """Collects the files of one artifact, then commits it.

    Use it as a context manager: on an error nothing becomes visible and unfinished files are removed.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._files: dict[str, ArtifactFile] = {}
        self._unfinished: list[Path] = []

    def __enter__(self) -> ArtifactWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in self._unfinished:
            path.unlink(missing_ok=True)

    def add_bytes(self, path: str, data: bytes) -> None:
        """Add a file with this content."""
        temporary = self._temporary()
        with disk_errors(f"writing '{path}'"):
            temporary.write_bytes(data)
        self._keep(path, temporary, hashlib.sha256(data).hexdigest())

    def add_file(self, path: str, source: Path) -> None:
        """Add a copy of a local file."""
        temporary = self._temporary()
        digest = hashlib.sha256()
        with disk_errors(f"writing '{path}'"), source.open("rb") as reader, temporary.open("wb") as writer:
            while chunk := reader.read(_CHUNK_BYTES):
                digest.update(chunk)
                writer.write(chunk)
        self._keep(path, temporary, digest.hexdigest())

    def add_folder(self, folder: Path) -> None:
        """Add every file below a local folder under its relative path."""
        for source in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.add_file(source.relative_to(folder).as_posix(), source)

    def commit(self, **fields: Any) -> str:
        """Commit the artifact with these manifest fields (see `Manifest`); return its id."""
        files = tuple(self._files[path] for path in sorted(self._files))
        fields.setdefault("create_time", datetime.now(UTC))
        return self._store.commit(Manifest(files=files, **fields))

    def _temporary(self) -> Path:
        path = self._store.incoming_path()
        self._unfinished.append(path)
        return path

    def _keep(self, path: str, temporary: Path, sha256: str) -> None:
        safe_relative_path(path)
        file = ArtifactFile(path=path, size_bytes=temporary.stat().st_size, sha256=sha256)
        self._store.put_blob(temporary, sha256)
        self._files[path] = file
