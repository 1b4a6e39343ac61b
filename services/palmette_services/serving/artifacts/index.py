"""The index: what the store holds, found by scanning for new manifests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_plugins.api.artifacts import ArtifactStore, Manifest
from palmette_plugins.api.errors import NotFound, PalmetteError
from palmette_protos.v1 import artifact_pb2
from palmette_services.runtime.clock import now_us
from palmette_services.runtime.database import Database
from palmette_services.runtime.jobs.upsert import insert
from palmette_services.serving.artifacts.messages import artifact_summary
from palmette_services.serving.artifacts.tables import ArtifactParentRow, ArtifactRow

_log = structlog.get_logger(__name__)
_BATCH = 200


class ArtifactIndex:
    """Keeps the tables equal to the store.

    Jobs of every service commit to the store without asking anyone, so the index follows by scanning.
    """

    def __init__(self, database: Database, store: ArtifactStore) -> None:
        self._database = database
        self._store = store
        self._known: set[str] | None = None
        self._unreadable: set[str] = set()
        self._scanning = asyncio.Lock()
        self._scanned_s = float("-inf")

    async def run(self, period_s: float) -> None:
        """Scan until cancelled."""
        while True:
            try:
                await self.refresh()
            except (PalmetteError, OSError) as error:
                _log.warning("the artifact store cannot be scanned", error=str(error))
            await asyncio.sleep(period_s)

    async def refresh(self) -> None:
        """Take in what was committed or deleted before the call. Calls that come together share a scan."""
        asked_s = time.monotonic()
        async with self._scanning:
            if self._scanned_s >= asked_s:
                return
            if self._known is None:
                async with self._database.read() as connection:
                    self._known = set((await connection.execute(select(ArtifactRow.id))).scalars())
            started_s = time.monotonic()
            stored = set(await asyncio.to_thread(self._store.ids))
            new = sorted(stored - self._known - self._unreadable)
            for start in range(0, len(new), _BATCH):
                await self._add(new[start : start + _BATCH])
            await self._remove(self._known - stored)
            self._scanned_s = started_s

    async def resolve(self, prefix: str) -> str:
        """Return the full id for an id or a unique prefix; raises what the store's `resolve` raises."""
        return await asyncio.to_thread(self._store.resolve, prefix)

    async def summaries(self, ids: Iterable[str]) -> list[artifact_pb2.Artifact]:
        """Return the messages of these artifacts, without those that are not indexed, newest first."""
        wanted = list(ids)
        rows: list[tuple[int, bytes]] = []
        async with self._database.read() as connection:
            for start in range(0, len(wanted), _BATCH):
                statement = select(ArtifactRow.create_time_us, ArtifactRow.summary)
                statement = statement.where(ArtifactRow.id.in_(wanted[start : start + _BATCH]))
                rows += [(row.create_time_us, row.summary) for row in await connection.execute(statement)]
        return [artifact_pb2.Artifact.FromString(summary) for _, summary in sorted(rows, reverse=True)]

    async def arrows(self) -> list[tuple[str, str]]:
        """Return every (parent, child) of the lineage."""
        async with self._database.read() as connection:
            statement = select(ArtifactParentRow.parent, ArtifactParentRow.child)
            return [(row.parent, row.child) for row in await connection.execute(statement)]

    async def children(self, identifier: str) -> list[tuple[str, str]]:
        """Return (id, kind) of the artifacts made from one."""
        statement = (
            select(ArtifactRow.id, ArtifactRow.kind)
            .join(ArtifactParentRow, ArtifactParentRow.child == ArtifactRow.id)
            .where(ArtifactParentRow.parent == identifier)
            .order_by(ArtifactRow.id)
        )
        async with self._database.read() as connection:
            return [(row.id, row.kind) for row in await connection.execute(statement)]

    async def older_than(self, days: int) -> set[str]:
        """Return the ids of artifacts that were committed more than `days` ago."""
        before_us = now_us() - days * 86_400_000_000
        async with self._database.read() as connection:
            statement = select(ArtifactRow.id).where(ArtifactRow.create_time_us < before_us)
            return set((await connection.execute(statement)).scalars())

    async def _add(self, ids: Sequence[str]) -> None:
        read = await asyncio.to_thread(self._read, ids)

        async def write(connection: AsyncConnection) -> None:
            for identifier, manifest in read.items():
                await _insert(connection, identifier, manifest)

        await self._database.write(write)
        assert self._known is not None
        self._known.update(read)

    def _read(self, ids: Sequence[str]) -> dict[str, Manifest]:
        read = {}
        for identifier in ids:
            try:
                read[identifier] = self._store.manifest(identifier)
            except NotFound:
                continue  # deleted since the listing
            except PalmetteError as error:
                self._unreadable.add(identifier)
                _log.warning("an artifact cannot be indexed", artifact=identifier, error=str(error))
        return read

    async def _remove(self, ids: set[str]) -> None:
        if not ids:
            return

        async def write(connection: AsyncConnection) -> None:
            for identifier in ids:
                await connection.execute(delete(ArtifactRow).where(ArtifactRow.id == identifier))
                await connection.execute(delete(ArtifactParentRow).where(ArtifactParentRow.child == identifier))

        await self._database.write(write)
        assert self._known is not None
        self._known -= ids


async def _insert(connection: AsyncConnection, identifier: str, manifest: Manifest) -> None:
    row = insert(connection, ArtifactRow).values(
        id=identifier,
        kind=manifest.kind.value,
        plugin=manifest.plugin,
        job=manifest.job,
        task=manifest.task,
        create_time_us=int(manifest.create_time.timestamp() * 1e6),
        summary=artifact_summary(identifier, manifest).SerializeToString(),
    )
    await connection.execute(row.on_conflict_do_nothing())
    for parent in set(manifest.parents):
        arrow = insert(connection, ArtifactParentRow).values(child=identifier, parent=parent)
        await connection.execute(arrow.on_conflict_do_nothing())
