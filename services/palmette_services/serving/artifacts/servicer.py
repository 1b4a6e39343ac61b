"""``palmette.v1.ArtifactService``."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import InvalidArgument
from palmette_protos.v1 import artifact_pb2, artifact_pb2_grpc
from palmette_services.runtime.database import Database
from palmette_services.serving.artifacts.deletion import ArtifactRemoval
from palmette_services.serving.artifacts.download import download
from palmette_services.serving.artifacts.index import ArtifactIndex
from palmette_services.serving.artifacts.lineage import lineage
from palmette_services.serving.artifacts.listing import list_artifacts
from palmette_services.serving.artifacts.messages import artifact_message
from palmette_services.serving.artifacts.names import parse_artifact_name
from palmette_services.serving.artifacts.upload import Uploads, receive

_FULL_ID = re.compile(r"[0-9a-f]{64}")


class ArtifactServicer(artifact_pb2_grpc.ArtifactServiceServicer):
    """Answers from the store, and from its index where a search is asked for."""

    def __init__(
        self, database: Database, store: ArtifactStore, index: ArtifactIndex, removal: ArtifactRemoval
    ) -> None:
        self._database = database
        self._store = store
        self._index = index
        self._removal = removal
        self._uploads = Uploads(store)

    async def GetArtifact(
        self, request: artifact_pb2.GetArtifactRequest, context: Any
    ) -> artifact_pb2.GetArtifactResponse:
        """Return an artifact with its manifest and figures."""
        return artifact_pb2.GetArtifactResponse(artifact=await self._whole(await self._resolve(request.name)))

    async def ListArtifacts(
        self, request: artifact_pb2.ListArtifactsRequest, context: Any
    ) -> artifact_pb2.ListArtifactsResponse:
        """Return a page of artifacts, newest first."""
        await self._index.refresh()
        return await list_artifacts(self._database, request)

    async def UploadArtifact(
        self, request: AsyncIterator[artifact_pb2.UploadArtifactRequest], context: Any
    ) -> artifact_pb2.UploadArtifactResponse:
        """Store an artifact that arrives in chunks."""
        identifier = await receive(self._uploads, aiter(request))
        return artifact_pb2.UploadArtifactResponse(artifact=await self._whole(identifier))

    async def GetUploadStatus(
        self, request: artifact_pb2.GetUploadStatusRequest, context: Any
    ) -> artifact_pb2.GetUploadStatusResponse:
        """Say how much of an upload arrived."""
        if not _FULL_ID.fullmatch(request.artifact_id):
            raise InvalidArgument.field("artifact_id", "is not a SHA-256 in hex (64 digits)")
        return await asyncio.to_thread(self._uploads.status, request.artifact_id)

    async def DownloadArtifact(
        self, request: artifact_pb2.DownloadArtifactRequest, context: Any
    ) -> AsyncIterator[artifact_pb2.DownloadArtifactResponse]:
        """Send an artifact in chunks."""
        async for response in download(self._store, request):
            yield response

    async def DeleteArtifact(
        self, request: artifact_pb2.DeleteArtifactRequest, context: Any
    ) -> artifact_pb2.DeleteArtifactResponse:
        """Delete an artifact that nothing needs."""
        await self._removal.delete(await self._resolve(request.name), force=request.force)
        return artifact_pb2.DeleteArtifactResponse()

    async def GetLineage(
        self, request: artifact_pb2.GetLineageRequest, context: Any
    ) -> artifact_pb2.GetLineageResponse:
        """Return the graph around an artifact."""
        await self._index.refresh()
        return await lineage(self._index, await self._resolve(request.name))

    async def CollectGarbage(
        self, request: artifact_pb2.CollectGarbageRequest, context: Any
    ) -> artifact_pb2.CollectGarbageResponse:
        """Remove what nothing keeps."""
        if request.unreferenced_older_than_days < 0:
            raise InvalidArgument.field("unreferenced_older_than_days", "must not be negative")
        return await self._removal.collect_garbage(request)

    async def _resolve(self, name: str) -> str:
        return await self._index.resolve(parse_artifact_name(name))

    async def _whole(self, identifier: str) -> artifact_pb2.Artifact:
        data = await asyncio.to_thread(self._store.manifest_bytes, identifier)
        return artifact_message(identifier, data)
