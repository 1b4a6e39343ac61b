"""ArtifactService over a dictionary."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc

from palmette_protos.v1 import artifact_pb2 as pb
from palmette_protos.v1.artifact_pb2_grpc import ArtifactServiceServicer


class SampleArtifacts(ArtifactServiceServicer):
    """Artifacts by id, newest last."""

    def __init__(self) -> None:
        self.artifacts: dict[str, pb.Artifact] = {}

    def add(self, artifact: pb.Artifact) -> pb.Artifact:
        """Store an artifact."""
        self.artifacts[artifact.name] = artifact
        return artifact

    async def GetArtifact(
        self, request: pb.GetArtifactRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetArtifactResponse:
        return pb.GetArtifactResponse(artifact=await self._find(request.name, context))

    async def ListArtifacts(
        self, request: pb.ListArtifactsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListArtifactsResponse:
        wanted = dict(part.split("=", 1) for part in request.filter.split(" AND ") if part)
        found = [
            artifact
            for artifact in reversed(self.artifacts.values())
            if all(getattr(artifact, field) == value for field, value in wanted.items())
        ]
        start, size = int(request.page_token or 0), request.page_size or 50
        page = []
        for artifact in found[start : start + size]:
            listed = pb.Artifact()
            listed.CopyFrom(artifact)
            listed.ClearField("figures")
            page.append(listed)
        more = str(start + size) if start + size < len(found) else ""
        return pb.ListArtifactsResponse(artifacts=page, next_page_token=more)

    @staticmethod
    def content(path: str) -> bytes:
        """Return the bytes of a sample file."""
        return path.encode() * 100

    async def DownloadArtifact(
        self, request: pb.DownloadArtifactRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.DownloadArtifactResponse]:
        yield pb.DownloadArtifactResponse(artifact=await self._find(request.name, context))
        data = self.content(request.path)
        for start in range(0, len(data), 512):
            chunk = pb.FileChunk(path=request.path, offset_bytes=start, data=data[start : start + 512])
            yield pb.DownloadArtifactResponse(chunk=chunk)

    async def GetLineage(
        self, request: pb.GetLineageRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetLineageResponse:
        artifact = await self._find(request.name, context)
        names = self._ancestors(artifact.name) | self._descendants(artifact.name)
        edges = [
            pb.LineageEdge(parent=parent, child=name, plugin=self.artifacts[name].plugin)
            for name in sorted(names)
            for parent in self.artifacts[name].parents
            if parent in names
        ]
        return pb.GetLineageResponse(artifacts=[self.artifacts[name] for name in sorted(names)], edges=edges)

    def _ancestors(self, name: str) -> set[str]:
        found = {name}
        for parent in self.artifacts[name].parents:
            found |= self._ancestors(parent)
        return found

    def _descendants(self, name: str) -> set[str]:
        found = {name}
        for child in self.artifacts.values():
            if name in child.parents:
                found |= self._descendants(child.name)
        return found

    async def DeleteArtifact(
        self, request: pb.DeleteArtifactRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteArtifactResponse:
        artifact = await self._find(request.name, context)
        if self._descendants(artifact.name) != {artifact.name}:
            await context.abort(
                grpc.StatusCode.FAILED_PRECONDITION, "other artifacts were made from it; delete those first"
            )
        del self.artifacts[artifact.name]
        return pb.DeleteArtifactResponse()

    async def _find(self, name: str, context: grpc.aio.ServicerContext) -> pb.Artifact:
        found = [artifact for artifact in self.artifacts.values() if artifact.name.startswith(name)]
        if len(found) != 1:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"no artifact named '{name}'; `palmette artifacts` lists them"
            )
        return found[0]
