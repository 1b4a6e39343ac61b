"""Downloads: an artifact's files as chunks, verified on their way out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from palmette_plugins.api.artifacts import ArtifactFile, ArtifactStore, Manifest
from palmette_plugins.api.errors import DataLoss, InvalidArgument, NotFound
from palmette_protos.v1 import artifact_pb2
from palmette_services.serving.artifacts.messages import artifact_message
from palmette_services.serving.artifacts.names import parse_artifact_name
from palmette_services.serving.artifacts.upload import CHUNK_BYTES


async def download(
    store: ArtifactStore, request: artifact_pb2.DownloadArtifactRequest
) -> AsyncIterator[artifact_pb2.DownloadArtifactResponse]:
    """Yield the artifact, then its files in chunks.

    Raises:
        InvalidArgument: An offset without a path, or outside the file.
        NotFound: No such artifact or file.
        DataLoss: A file is not what was written; the chunks before are not to be used.
    """
    if request.offset_bytes and not request.path:
        raise InvalidArgument.field("offset_bytes", "needs `path`: the file that it is an offset in")
    identifier = await asyncio.to_thread(store.resolve, parse_artifact_name(request.name))
    data = await asyncio.to_thread(store.manifest_bytes, identifier)
    files = _chosen(Manifest.from_bytes(data), identifier, request)
    yield artifact_pb2.DownloadArtifactResponse(artifact=artifact_message(identifier, data))
    for file in files:
        async for chunk in _chunks(store, identifier, file, request.offset_bytes):
            yield artifact_pb2.DownloadArtifactResponse(chunk=chunk)


def _chosen(manifest: Manifest, identifier: str, request: artifact_pb2.DownloadArtifactRequest) -> list[ArtifactFile]:
    if not request.path:
        return list(manifest.files)
    files = {file.path: file for file in manifest.files}
    if request.path not in files:
        raise NotFound.named(f"file in artifact {identifier[:12]}", request.path, list(files))
    file = files[request.path]
    if not 0 <= request.offset_bytes <= file.size_bytes:
        raise InvalidArgument.field("offset_bytes", f"'{file.path}' has {file.size_bytes} bytes")
    return [file]


async def _chunks(
    store: ArtifactStore, identifier: str, file: ArtifactFile, offset_bytes: int
) -> AsyncIterator[artifact_pb2.FileChunk]:
    """Yield a file from an offset on. It is read from its start all the same: the digest is of the whole."""
    digest = hashlib.sha256()
    position = 0
    with await asyncio.to_thread(store.open, file) as stream:
        while data := await asyncio.to_thread(stream.read, CHUNK_BYTES):
            await asyncio.to_thread(digest.update, data)
            skipped = max(0, offset_bytes - position)
            if skipped < len(data):
                yield artifact_pb2.FileChunk(path=file.path, offset_bytes=position + skipped, data=data[skipped:])
            position += len(data)
    if digest.hexdigest() != file.sha256:
        raise DataLoss(
            f"'{file.path}' of artifact {identifier[:12]} is corrupted in the store: its SHA-256 is not the "
            "manifest's; throw away what was downloaded, and make the artifact again"
        )
