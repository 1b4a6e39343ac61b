"""Downloading an artifact into a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

from palmette.aio.connection import Connection
from palmette.errors import DataLoss
from palmette.manifest import MANIFEST_NAME, file_digest
from palmette.types import Artifact, ArtifactFile
from palmette_protos.v1 import artifact_pb2


async def download_artifact(connection: Connection, artifact: Artifact, folder: Path) -> Path:
    """Write an artifact's files, then its manifest, into `folder`; see `Artifacts.download`."""
    for file in artifact.files:
        target = _inside(folder, file.path)
        if target.is_file() and target.stat().st_size == file.size_bytes and file_digest(target) == file.sha256:
            continue
        await _download_file(connection, artifact, file, target)
    _write_manifest(folder, artifact.manifest)
    return folder


def _write_manifest(folder: Path, manifest: bytes) -> None:
    """Write the manifest last: its presence says that the download is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST_NAME).write_bytes(manifest)


async def _download_file(connection: Connection, artifact: Artifact, file: ArtifactFile, target: Path) -> None:
    """Write one file beside its place, compare its digest, and move it there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Named after the content, so that a part of an older version is never continued.
    part = target.with_name(f".{target.name}.{file.sha256[:16]}.part")
    have = part.stat().st_size if part.exists() else 0
    if have > file.size_bytes:
        part.unlink()
        have = 0
    with part.open("ab") as writer:
        async for data in _chunks(connection, artifact, file, have):
            writer.write(data)
    if part.stat().st_size != file.size_bytes or file_digest(part) != file.sha256:
        part.unlink()
        raise DataLoss(
            f"'{file.path}' of {artifact.name} arrived with another SHA-256 than its manifest says; download it "
            "again, and if it happens again the stored copy is damaged"
        )
    part.replace(target)


async def _chunks(connection: Connection, artifact: Artifact, file: ArtifactFile, start: int) -> AsyncIterator[bytes]:
    position = start

    def request() -> artifact_pb2.DownloadArtifactRequest:
        return artifact_pb2.DownloadArtifactRequest(name=artifact.name, path=file.path, offset_bytes=position)

    while position < file.size_bytes:
        before = position
        async for response in connection.stream(connection.artifacts.DownloadArtifact, request):
            if response.WhichOneof("message") != "chunk" or response.chunk.path != file.path:
                continue
            data = response.chunk.data[max(0, position - response.chunk.offset_bytes) :]
            position += len(data)
            yield data
        if position == before:
            raise DataLoss(f"the server sent {position} of {file.size_bytes} bytes of '{file.path}' of {artifact.name}")


def _inside(folder: Path, path: str) -> Path:
    """Return where a file goes; a server that names a place outside the folder is not obeyed."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or "\\" in path or ":" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise DataLoss(f"the artifact names a file outside its folder: {path!r}; nothing was written for it")
    return folder.joinpath(*pure.parts)
