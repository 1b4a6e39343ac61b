"""Sending and fetching artifacts in the tests, chunk by chunk."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime

import grpc

from palmette_plugins.api import ArtifactKind
from palmette_plugins.api.artifacts import ArtifactFile, Manifest
from palmette_plugins.api.artifacts.manifest import artifact_id
from palmette_protos.v1 import artifact_pb2 as pb

CHUNK = 1 << 20


def manifest_of(files: Mapping[str, bytes]) -> Manifest:
    """Return the manifest of an artifact with these files."""
    return Manifest(
        kind=ArtifactKind.REPORT,
        create_time=datetime(2026, 1, 2, tzinfo=UTC),
        files=tuple(
            ArtifactFile(path=path, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
            for path, content in sorted(files.items())
        ),
    )


def id_of(files: Mapping[str, bytes]) -> str:
    """Return the id that an artifact with these files gets."""
    return artifact_id(manifest_of(files).to_bytes())


def header(files: Mapping[str, bytes]) -> pb.UploadArtifactRequest:
    """Return the first message of an upload."""
    return pb.UploadArtifactRequest(header=pb.UploadHeader(manifest=manifest_of(files).to_bytes()))


def chunk(path: str, offset: int, data: bytes) -> pb.UploadArtifactRequest:
    """Return a message with a chunk."""
    return pb.UploadArtifactRequest(chunk=pb.FileChunk(path=path, offset_bytes=offset, data=data))


def messages(
    files: Mapping[str, bytes], received: Mapping[str, int] | None = None
) -> Iterator[pb.UploadArtifactRequest]:
    """Yield the messages of an upload that goes on after what was received."""
    yield header(files)
    for path, content in files.items():
        for offset in range((received or {}).get(path, 0), len(content), CHUNK):
            yield chunk(path, offset, content[offset : offset + CHUNK])


async def fetched(responses: AsyncIterator[pb.DownloadArtifactResponse]) -> dict[str, bytes]:
    """Return the files of a download."""
    files: dict[str, bytes] = {}
    async for response in responses:
        if response.WhichOneof("message") == "chunk":
            assert response.chunk.offset_bytes == len(files.get(response.chunk.path, b""))
            files[response.chunk.path] = files.get(response.chunk.path, b"") + response.chunk.data
    return files


async def refusal(call: grpc.aio.Call) -> tuple[str, str]:
    """Return the code and the message that a call ends with; what a stream sends before is thrown away."""
    if isinstance(call, grpc.aio.UnaryStreamCall):
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for _ in call:
                continue
    return (await call.code()).name, await call.details()
