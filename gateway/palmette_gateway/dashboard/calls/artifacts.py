"""Results of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator

from palmette.types import Artifact, Lineage
from palmette.wire.artifact import artifact_from, lineage_from
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.calls.unary import ask, listen
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_protos.v1 import artifact_pb2

_WHO = "serving"


async def list_artifacts(
    suite: SuiteApi, filter_text: str = "", page_size: int = 50, page_token: str = ""
) -> tuple[tuple[Artifact, ...], str]:
    """Return a page of artifacts, newest first, and the token of the next page."""
    request = artifact_pb2.ListArtifactsRequest(page_size=page_size, page_token=page_token, filter=filter_text)
    response = await ask(suite.artifacts.ListArtifacts, request, _WHO)
    return tuple(artifact_from(artifact) for artifact in response.artifacts), response.next_page_token


async def get_artifact(suite: SuiteApi, artifact_id: str) -> Artifact:
    """Return one artifact by its id or a unique prefix."""
    request = artifact_pb2.GetArtifactRequest(name=f"artifacts/{artifact_id}")
    return artifact_from((await ask(suite.artifacts.GetArtifact, request, _WHO)).artifact)


async def get_lineage(suite: SuiteApi, artifact_id: str) -> Lineage:
    """Return an artifact's ancestors and descendants."""
    request = artifact_pb2.GetLineageRequest(name=f"artifacts/{artifact_id}")
    return lineage_from(await ask(suite.artifacts.GetLineage, request, _WHO))


async def delete_artifact(suite: SuiteApi, artifact_id: str, caller: Caller) -> None:
    """Delete an artifact that nothing needs."""
    request = artifact_pb2.DeleteArtifactRequest(name=f"artifacts/{artifact_id}")
    await ask(suite.artifacts.DeleteArtifact, request, _WHO, caller)


async def download_file(suite: SuiteApi, name: str, path: str) -> AsyncIterator[bytes]:
    """Yield the bytes of one file."""
    request = artifact_pb2.DownloadArtifactRequest(name=name, path=path)
    async for response in listen(suite.artifacts.DownloadArtifact, request, _WHO):
        if response.WhichOneof("message") == "chunk":
            yield response.chunk.data
