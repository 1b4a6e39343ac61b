"""Artifacts: what jobs leave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from palmette.aio.connection import Connection
from palmette.aio.download import download_artifact
from palmette.aio.upload import upload_artifact
from palmette.manifest import make_manifest, open_folder
from palmette.types import Artifact, ArtifactName, GarbageReport, Lineage
from palmette.wire.artifact import artifact_from, garbage_from, lineage_from
from palmette_protos.v1 import artifact_pb2

_PAGE = 200


class Artifacts:
    """Reads, stores and removes artifacts. They are named ``artifacts/{id}``, ``artifact:{id}`` or by the id alone;
    the first 8 digits of the id are enough where they are unique."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, name: str | Artifact) -> Artifact:
        """Return one artifact with its manifest; raises `NotFound` if there is none."""
        request = artifact_pb2.GetArtifactRequest(name=artifact_name(name))
        response = await self._connection.call(self._connection.artifacts.GetArtifact, request)
        return artifact_from(response.artifact)

    async def list(self, filter: str = "", *, limit: int | None = 100) -> list[Artifact]:
        """Return artifacts, newest first, without manifests and figures.

        `filter` joins conditions by AND: ``kind=model``, ``plugin=pruning_growth/random-pruning``, ``job=...``,
        ``task=classification``. `limit` None returns all.
        """
        found: list[Artifact] = []
        token = ""
        while limit is None or len(found) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(found))
            request = artifact_pb2.ListArtifactsRequest(page_size=size, page_token=token, filter=filter)
            response = await self._connection.call(self._connection.artifacts.ListArtifacts, request)
            found += [artifact_from(artifact) for artifact in response.artifacts]
            token = response.next_page_token
            if not token:
                break
        return found

    async def download(self, name: str | Artifact, folder: Path | str) -> Path:
        """Write an artifact's files and its ``manifest.json`` into `folder`, and return the folder.

        Every file is compared with its digest. After an interruption, call it again: what is there already is
        kept, and a half file goes on where it stopped.
        """
        return await download_artifact(self._connection, await self.get(name), Path(folder))

    async def upload(
        self, folder: Path | str, *, kind: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> Artifact:
        """Store a folder as an artifact and return it.

        A folder with a ``manifest.json`` (a download) keeps its identity; for any other say its `kind`, and more
        fields of the manifest (``task``, ``metrics``, ``spec``, ``attributes``, ...) if there are. After an
        interruption, call it again with the same folder: what arrived is not sent again.
        """
        place = Path(folder)
        local = make_manifest(place, kind, fields or {}) if kind else open_folder(place)
        return await upload_artifact(self._connection, local)

    async def lineage(self, name: str | Artifact) -> Lineage:
        """Return what an artifact was made from and what was made from it, over any number of steps."""
        request = artifact_pb2.GetLineageRequest(name=artifact_name(name))
        return lineage_from(await self._connection.call(self._connection.artifacts.GetLineage, request))

    async def delete(self, name: str | Artifact, *, force: bool = False) -> None:
        """Delete an artifact; with `force` even if others were made from it.

        Raises:
            FailedPrecondition: It is deployed (never deleted), or others were made from it.
        """
        request = artifact_pb2.DeleteArtifactRequest(name=artifact_name(name), force=force)
        await self._connection.call(self._connection.artifacts.DeleteArtifact, request, repeatable=False)

    async def collect_garbage(self, *, dry_run: bool = False, unreferenced_older_than_days: int = 0) -> GarbageReport:
        """Remove what nothing refers to; with an age, also artifacts that nothing keeps and that are older."""
        request = artifact_pb2.CollectGarbageRequest(
            dry_run=dry_run, unreferenced_older_than_days=unreferenced_older_than_days
        )
        call = self._connection.call
        return garbage_from(await call(self._connection.artifacts.CollectGarbage, request, timeout_s=600))


def artifact_name(name: str | Artifact) -> ArtifactName:
    """Return the resource name of an artifact given in any form."""
    return name.name if isinstance(name, Artifact) else ArtifactName.parse(name)
