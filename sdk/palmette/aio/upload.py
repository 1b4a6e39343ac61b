"""Uploading a folder as an artifact."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from palmette.aio.connection import Connection
from palmette.manifest import LocalArtifact
from palmette.types import Artifact
from palmette.wire.artifact import artifact_from
from palmette_protos.v1 import artifact_pb2

_CHUNK_BYTES = 512 << 10


async def upload_artifact(connection: Connection, local: LocalArtifact) -> Artifact:
    """Send a folder and return the committed artifact; after a break it goes on with what did not arrive yet."""

    async def attempt() -> artifact_pb2.UploadArtifactResponse:
        status_request = artifact_pb2.GetUploadStatusRequest(artifact_id=local.id)
        with connection.tracing.span(status_request) as trace:
            status = await connection.artifacts.GetUploadStatus(
                status_request, timeout=connection.timeout_s, metadata=(*connection.metadata(), *trace)
            )
        received = {} if status.committed else dict(status.received_bytes)
        messages = _messages(local, received, skip_all=status.committed)
        with connection.tracing.span(artifact_pb2.UploadArtifactRequest) as trace:
            headers = (*connection.metadata(), *trace)
            return await connection.artifacts.UploadArtifact(messages, metadata=headers)

    response = await connection.retrying(attempt)
    return artifact_from(response.artifact)


async def _messages(
    local: LocalArtifact, received: Mapping[str, int], *, skip_all: bool
) -> AsyncIterator[artifact_pb2.UploadArtifactRequest]:
    yield artifact_pb2.UploadArtifactRequest(header=artifact_pb2.UploadHeader(manifest=local.manifest))
    if skip_all:
        return
    for file in local.files:
        position = received.get(file.path, 0)
        with (local.folder / file.path).open("rb") as reader:
            reader.seek(position)
            while data := reader.read(_CHUNK_BYTES):
                chunk = artifact_pb2.FileChunk(path=file.path, offset_bytes=position, data=data)
                yield artifact_pb2.UploadArtifactRequest(chunk=chunk)
                position += len(data)
