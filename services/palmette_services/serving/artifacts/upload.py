"""Uploads: an artifact that arrives in chunks, resumes after an interruption, and appears whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from palmette_plugins.api.artifacts import ArtifactFile, ArtifactStore, Manifest
from palmette_plugins.api.artifacts.disk import disk_errors
from palmette_plugins.api.artifacts.manifest import artifact_id
from palmette_plugins.api.errors import FailedPrecondition, InvalidArgument, ResourceExhausted
from palmette_protos.v1 import artifact_pb2

CHUNK_BYTES = 1 << 20


class Uploads:
    """The uploads into one store. What arrived of an unfinished one lies in the store's ``incoming`` folder."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._open: set[str] = set()

    @contextmanager
    def open(self, manifest_bytes: bytes) -> Iterator[Upload]:
        """Begin or resume an upload.

        Raises:
            InvalidArgument: The bytes are not a manifest in its canonical form.
            FailedPrecondition: Someone else is sending the same artifact.
        """
        manifest = Manifest.from_bytes(manifest_bytes)
        if manifest.to_bytes() != manifest_bytes:
            raise InvalidArgument.field("header.manifest", "is not in canonical form: send it as it was downloaded")
        identifier = artifact_id(manifest_bytes)
        if identifier in self._open:
            raise FailedPrecondition(f"artifact {identifier[:12]} is being uploaded by another call; wait for its end")
        self._open.add(identifier)
        upload = Upload(self._store, identifier, manifest)
        try:
            yield upload
        except ResourceExhausted:
            upload.forget()  # the disk is full: what arrived must not keep it full
            raise
        finally:
            upload.close()
            self._open.discard(identifier)

    def status(self, identifier: str) -> artifact_pb2.GetUploadStatusResponse:
        """Say what is there of an artifact. Blocks."""
        if self._store.exists(identifier):
            return artifact_pb2.GetUploadStatusResponse(committed=True)
        kept = self._store.incoming_path().with_name(f"upload-{identifier}-manifest")
        try:
            upload = Upload(self._store, identifier, Manifest.from_bytes(kept.read_bytes()))
        except FileNotFoundError:
            return artifact_pb2.GetUploadStatusResponse()
        return artifact_pb2.GetUploadStatusResponse(received_bytes=upload.received())


class Upload:
    """One artifact on its way in. Its methods block."""

    def __init__(self, store: ArtifactStore, identifier: str, manifest: Manifest) -> None:
        self.identifier = identifier
        self._store = store
        self._manifest = manifest
        self._files = {file.path: file for file in manifest.files}
        self._folder = store.incoming_path().parent
        self._stream: IO[bytes] | None = None
        self._current = ""

    def begin(self) -> None:
        """Remember the manifest, so that `Uploads.status` can tell which files arrived."""
        with disk_errors("keeping the manifest"):
            self._kept("manifest").write_bytes(self._manifest.to_bytes())

    def received(self) -> dict[str, int]:
        """Return how many bytes of each file are here, by path; whole files were verified."""
        sizes = {file.path: self._received(file) for file in self._manifest.files}
        return {path: size for path, size in sizes.items() if size > 0}

    def write(self, chunk: artifact_pb2.FileChunk) -> None:
        """Take in a chunk; chunks of a file that is here already are ignored.

        Raises:
            InvalidArgument: The chunk does not follow what arrived, is too large, or the whole file is not what
                the manifest says (then what arrived of it is dropped).
            ResourceExhausted: The disk is full.
        """
        file = self._files.get(chunk.path)
        if file is None:
            raise InvalidArgument.field("chunk.path", f"'{chunk.path}' is not a file of the manifest")
        if len(chunk.data) > CHUNK_BYTES:
            raise InvalidArgument.field("chunk.data", f"{len(chunk.data)} bytes; at most {CHUNK_BYTES} are taken")
        received = self._received(file)
        if self._is_whole(file):
            return
        if chunk.offset_bytes != received:
            raise InvalidArgument.field(
                "chunk.offset_bytes", f"{chunk.offset_bytes} for '{file.path}', of which {received} bytes arrived"
            )
        if received + len(chunk.data) > file.size_bytes:
            raise InvalidArgument.field("chunk.data", f"'{file.path}' has {file.size_bytes} bytes; more were sent")
        self._append(file, chunk.data)
        if received + len(chunk.data) == file.size_bytes:
            self._verify(file)

    def commit(self) -> str:
        """Make the artifact exist; return its id. Raises `InvalidArgument` if a file has not arrived whole."""
        for file in self._manifest.files:
            if file.size_bytes == 0 and not self._is_whole(file):
                self._append(file, b"")
                self._verify(file)
            if not self._is_whole(file):
                raise InvalidArgument.field(
                    "chunk", f"'{file.path}' is not complete: {self._received(file)} of {file.size_bytes} bytes arrived"
                )
        for file in self._manifest.files:
            whole = self._kept(f"{file.sha256}.whole")
            if whole.exists():
                self._store.put_blob(whole, file.sha256)
        identifier = self._store.commit(self._manifest)
        self.forget()
        return identifier

    def close(self) -> None:
        """Close the file being written; what arrived stays."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def forget(self) -> None:
        """Remove everything that arrived."""
        self.close()
        for path in self._folder.glob(f"upload-{self.identifier}-*"):
            path.unlink(missing_ok=True)

    def _kept(self, name: str) -> Path:
        return self._folder / f"upload-{self.identifier}-{name}"

    def _is_whole(self, file: ArtifactFile) -> bool:
        return self._kept(f"{file.sha256}.whole").exists() or self._store.has_blob(file.sha256)

    def _received(self, file: ArtifactFile) -> int:
        if self._is_whole(file):
            return file.size_bytes
        part = self._kept(f"{file.sha256}.part")
        return part.stat().st_size if part.exists() else 0

    def _append(self, file: ArtifactFile, data: bytes) -> None:
        with disk_errors(f"receiving '{file.path}'"):
            if self._stream is None or self._current != file.sha256:
                self.close()
                # Unbuffered: what `_received` reads from the file system is what arrived.
                self._stream = self._kept(f"{file.sha256}.part").open("ab", buffering=0)
                self._current = file.sha256
            written = 0
            while written < len(data):  # a write on a full disk is cut short before one fails
                written += self._stream.write(data[written:])

    def _verify(self, file: ArtifactFile) -> None:
        self.close()
        part = self._kept(f"{file.sha256}.part")
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            part.unlink()
            raise InvalidArgument.field(
                "chunk.data",
                f"'{file.path}' arrived with SHA-256 {digest}, the manifest says {file.sha256}; send it again",
            )
        part.rename(self._kept(f"{file.sha256}.whole"))


async def receive(uploads: Uploads, requests: AsyncIterator[artifact_pb2.UploadArtifactRequest]) -> str:
    """Take in the stream of an ``UploadArtifact`` call; return the id of the committed artifact."""
    first = await anext(requests, None)
    if first is None or not first.header.manifest:
        raise InvalidArgument.field("header.manifest", "required: the first message is the header with the manifest")
    with uploads.open(first.header.manifest) as upload:
        await asyncio.to_thread(upload.begin)
        async for request in requests:
            if request.WhichOneof("message") != "chunk":
                raise InvalidArgument.field("header", "comes once, as the first message")
            await asyncio.to_thread(upload.write, request.chunk)
        return await asyncio.to_thread(upload.commit)
