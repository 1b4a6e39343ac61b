"""The artifact store: blobs by digest, manifests by id, on any fsspec URL.

Layout below the store's URL::

    blobs/<2 hex>/<sha256>     contents; identical content is stored once
    manifests/<id>.json        a manifest; its presence is what makes an artifact exist
    incoming/                  unfinished writes of local stores

A manifest is written after all its blobs, so a crash leaves garbage but never half an artifact.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import IO

import fsspec
import platformdirs

from palmette_plugins.api.artifacts.disk import disk_errors
from palmette_plugins.api.artifacts.garbage import GarbageReport, StoredFile, garbage_report, stored_files
from palmette_plugins.api.artifacts.local_files import digest, sync, write_synced
from palmette_plugins.api.artifacts.manifest import ArtifactFile, Manifest, artifact_id
from palmette_plugins.api.artifacts.stored import StoredArtifact
from palmette_plugins.api.artifacts.writer import ArtifactWriter
from palmette_plugins.api.errors import DataLoss, InvalidArgument, NotFound

_ID = re.compile(r"[0-9a-f]{8,64}")


class ArtifactStore:
    """Reads and writes artifacts below one fsspec URL (``file:///...``, ``s3://...``, or a local path)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._local = self._fs.protocol == "file" or "file" in self._fs.protocol

    def writer(self) -> ArtifactWriter:
        """Return a writer for one new artifact."""
        return ArtifactWriter(self)

    def ids(self) -> list[str]:
        """Return the ids of all artifacts, sorted."""
        names = self._listing("manifests")
        return sorted(name.removesuffix(".json") for name in names if re.fullmatch(r"[0-9a-f]{64}\.json", name))

    def resolve(self, prefix: str) -> str:
        """Return the full id for an id or a unique prefix of at least 8 hex digits.

        Raises:
            InvalidArgument: Not an id or a prefix of one, or not unique.
            NotFound: No such artifact.
        """
        prefix = prefix.removeprefix("artifacts/").removeprefix("artifact:")
        if not _ID.fullmatch(prefix):
            raise InvalidArgument.field("artifact", f"'{prefix}' is not an artifact id (8 to 64 hex digits)")
        if len(prefix) == 64:
            if not self._fs.exists(self._manifest_path(prefix)):
                raise NotFound(f"no artifact '{prefix}'")
            return prefix
        matches = [candidate for candidate in self.ids() if candidate.startswith(prefix)]
        if not matches:
            raise NotFound(f"no artifact whose id starts with '{prefix}'")
        if len(matches) > 1:
            raise InvalidArgument.field("artifact", f"'{prefix}' is not unique; {len(matches)} artifacts start with it")
        return matches[0]

    def exists(self, identifier: str) -> bool:
        """Tell whether an artifact with this full id is committed."""
        return bool(self._fs.exists(self._manifest_path(identifier)))

    def manifest_bytes(self, identifier: str) -> bytes:
        """Return an artifact's manifest bytes, verified against its id."""
        path = self._manifest_path(self.resolve(identifier))
        data: bytes = self._fs.cat_file(path)
        if f"{artifact_id(data)}.json" != path.rsplit("/", 1)[-1]:
            raise DataLoss(f"the manifest of artifact '{identifier}' is corrupted: its digest is not its id")
        return data

    def manifest(self, identifier: str) -> Manifest:
        """Return an artifact's manifest, verified against its id."""
        return Manifest.from_bytes(self.manifest_bytes(identifier))

    def get(self, reference: str) -> StoredArtifact:
        """Return the artifact that an id, a unique prefix of one or ``artifact:<id>`` names; raises as `resolve`."""
        identifier = self.resolve(reference)
        return StoredArtifact(identifier, self.manifest(identifier), self)

    def open(self, file: ArtifactFile) -> IO[bytes]:
        """Open a file of an artifact for reading, unverified; check the digest while reading."""
        try:
            return self._fs.open(self._blob_path(file.sha256), "rb")  # type: ignore[no-any-return]
        except FileNotFoundError:
            raise DataLoss(f"the content of '{file.path}' ({file.sha256}) is missing from the store") from None

    def local_path(self, identifier: str, path: str) -> Path:
        """Return a local path with the verified content of one file (its own blob, or a cached download)."""
        file = self._file(identifier, path)
        local = Path(self._blob_path(file.sha256)) if self._local else self._cached(file)
        if not local.exists():
            raise DataLoss(f"the content of '{path}' of artifact '{identifier}' is missing from the store")
        if digest(local) != file.sha256:
            raise DataLoss(f"'{path}' of artifact '{identifier}' is corrupted: its SHA-256 is not the manifest's")
        return local

    def verify(self, identifier: str) -> None:
        """Read the whole artifact; raise `DataLoss` naming the first file that is not what was written."""
        for file in self.manifest(identifier).files:
            self.local_path(identifier, file.path)

    def has_blob(self, sha256: str) -> bool:
        """Tell whether content with this digest is stored."""
        return bool(self._fs.exists(self._blob_path(sha256)))

    def put_blob(self, source: Path, sha256: str) -> None:
        """Store a local file whose digest is known. The file is moved where that is possible."""
        target = self._blob_path(sha256)
        if self._fs.exists(target):
            source.unlink()
            if self._local:
                os.utime(target)  # about to be named again: garbage collection must take it for new
            return
        with disk_errors(f"storing {sha256[:12]}"):
            if self._local:
                sync(source)  # content must be on the disk before a manifest names it
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
            else:
                self._fs.put_file(str(source), target)
                source.unlink()

    def commit(self, manifest: Manifest) -> str:
        """Make an artifact exist: write its manifest, atomically. Return its id.

        Raises:
            DataLoss: A blob that the manifest names is not stored.
        """
        for file in manifest.files:
            if not self.has_blob(file.sha256):
                raise DataLoss(f"cannot commit: the content of '{file.path}' is not stored")
        data = manifest.to_bytes()
        identifier = artifact_id(data)
        target = self._manifest_path(identifier)
        with disk_errors(f"committing artifact {identifier[:12]}"):
            if self._local:
                temporary = self.incoming_path()
                try:
                    write_synced(temporary, data)
                    Path(target).parent.mkdir(parents=True, exist_ok=True)
                    temporary.replace(target)
                finally:
                    temporary.unlink(missing_ok=True)
            else:
                self._fs.pipe_file(target, data)
        return identifier

    def delete(self, identifier: str) -> None:
        """Remove an artifact's manifest. Its blobs go with the next garbage collection."""
        self._fs.rm_file(self._manifest_path(self.resolve(identifier)))

    def collect_garbage(
        self,
        *,
        dry_run: bool,
        older_than_s: float = 3600.0,
        unfinished_older_than_s: float = 86400.0,
        disregard: Collection[str] = (),
    ) -> GarbageReport:
        """Remove blobs that no manifest names, and unfinished writes.

        Only what is older than `older_than_s` goes: a younger blob may belong to an artifact about to be
        committed. Unfinished writes stay for `unfinished_older_than_s`, so that an interrupted upload can go on.
        A dry run takes the artifacts in `disregard` for deleted already.
        """
        kept = [identifier for identifier in self.ids() if identifier not in disregard]
        named = {file.sha256 for identifier in kept for file in self.manifest(identifier).files}
        now = time.time()
        loose = [blob for blob in self._stored("blobs") if blob.name not in named]
        loose = [blob for blob in loose if blob.modified_s < now - older_than_s]
        unfinished = [file for file in self._stored("incoming") if file.modified_s < now - unfinished_older_than_s]
        if not dry_run:
            for file in (*loose, *unfinished):
                self._fs.rm_file(file.path)
        return garbage_report(loose, unfinished)

    def incoming_path(self) -> Path:
        """Return a fresh local path for an unfinished write (on the store's own file system if it is local)."""
        folder = (
            Path(self._root) / "incoming" if self._local else Path(platformdirs.user_cache_dir("palmette")) / "incoming"
        )
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid.uuid4().hex

    def _file(self, identifier: str, path: str) -> ArtifactFile:
        files = {file.path: file for file in self.manifest(identifier).files}
        if path not in files:
            raise NotFound.named(f"file in artifact '{identifier[:12]}'", path, list(files))
        return files[path]

    def _cached(self, file: ArtifactFile) -> Path:
        cached = Path(platformdirs.user_cache_dir("palmette")) / "blobs" / file.sha256
        if cached.exists() and digest(cached) == file.sha256:
            return cached
        cached.parent.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_name(f"{file.sha256}.{uuid.uuid4().hex}")
        try:
            self._fs.get_file(self._blob_path(file.sha256), str(temporary))
            temporary.replace(cached)
        finally:
            temporary.unlink(missing_ok=True)
        return cached

    def _blob_path(self, sha256: str) -> str:
        return f"{self._root}/blobs/{sha256[:2]}/{sha256}"

    def _manifest_path(self, identifier: str) -> str:
        return f"{self._root}/manifests/{identifier}.json"

    def _listing(self, folder: str) -> list[str]:
        self._fs.invalidate_cache()
        try:
            return [name.rsplit("/", 1)[-1] for name in self._fs.ls(f"{self._root}/{folder}", detail=False)]
        except FileNotFoundError:
            return []

    def _stored(self, folder: str) -> list[StoredFile]:
        self._fs.invalidate_cache()
        return stored_files(self._fs, f"{self._root}/{folder}")
