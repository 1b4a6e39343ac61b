"""Which artifacts may be deleted, and which nothing keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import FailedPrecondition, NotFound
from palmette_plugins.api.kinds import ArtifactKind
from palmette_protos.v1 import artifact_pb2
from palmette_services.serving.artifacts.index import ArtifactIndex
from palmette_services.serving.artifacts.lineage import ancestors
from palmette_services.serving.artifacts.names import artifact_name

Deployed = Callable[[], Awaitable[Mapping[str, str]]]
"""Returns the artifacts that deployments need: id -> who needs it, for a person."""

_SHOWN = 3


class ArtifactRemoval:
    """Deletes artifacts one by one or, as garbage, all that nothing keeps."""

    def __init__(self, index: ArtifactIndex, store: ArtifactStore, deployed: Deployed) -> None:
        self._index = index
        self._store = store
        self._deployed = deployed

    async def delete(self, identifier: str, *, force: bool) -> None:
        """Delete an artifact; what was exported from it goes too.

        Raises:
            FailedPrecondition: A deployment needs it, or (without `force`) other artifacts were made from it.
        """
        await self._index.refresh()
        children = await self._index.children(identifier)
        exported = [child for child, kind in children if kind == ArtifactKind.SERVABLE.value]
        others = [child for child, kind in children if kind != ArtifactKind.SERVABLE.value]
        deployed = await self._deployed()
        for candidate in (identifier, *exported):
            if candidate in deployed:
                raise FailedPrecondition(
                    f"{deployed[candidate]} needs {artifact_name(identifier)}; delete the deployment first"
                )
        if others and not force:
            named = ", ".join(artifact_name(child[:12]) for child in others[:_SHOWN])
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            raise FailedPrecondition(f"{named}{more} were made from it; delete those first, or force the deletion")
        for candidate in (identifier, *exported):
            await self._delete(candidate)
        await self._index.refresh()

    async def collect_garbage(self, request: artifact_pb2.CollectGarbageRequest) -> artifact_pb2.CollectGarbageResponse:
        """Remove what nothing keeps, or say what would go."""
        doomed = await self._unkept(request.unreferenced_older_than_days)
        if not request.dry_run:
            for identifier in doomed:
                await self._delete(identifier)
            await self._index.refresh()
        report = await asyncio.to_thread(
            self._store.collect_garbage, dry_run=request.dry_run, disregard=frozenset(doomed)
        )
        return artifact_pb2.CollectGarbageResponse(
            artifacts=[artifact_name(identifier) for identifier in doomed],
            blob_count=len(report.blobs) + len(report.unfinished),
            freed_bytes=report.freed_bytes,
        )

    async def _unkept(self, days: int) -> list[str]:
        """Return artifacts older than `days` that no deployment needs and that lead to nothing that stays."""
        if days <= 0:
            return []
        await self._index.refresh()
        old = await self._index.older_than(days)
        arrows = await self._index.arrows()
        deployed = set(await self._deployed())
        everything = old | {child for _, child in arrows} | {parent for parent, _ in arrows}
        kept = (everything - old) | deployed
        return sorted(old - kept - ancestors(kept, arrows))

    async def _delete(self, identifier: str) -> None:
        try:
            await asyncio.to_thread(self._store.delete, identifier)
        except NotFound:
            return  # someone else was quicker
