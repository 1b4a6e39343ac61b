"""A registry of a test's own: real store, real SQLite, real gRPC server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.plugins.api.conftest import on_small_disk
from tests.services.serving.processes import free_port

from palmette_plugins.api import ArtifactKind
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.v1 import artifact_pb2_grpc
from palmette_services.runtime.database import Database
from palmette_services.runtime.database.migrate import migrate
from palmette_services.runtime.rpc.server import make_server
from palmette_services.serving.artifacts.deletion import ArtifactRemoval
from palmette_services.serving.artifacts.index import ArtifactIndex
from palmette_services.serving.artifacts.servicer import ArtifactServicer
from palmette_services.serving.service import MIGRATIONS

__all__ = ["on_small_disk"]
_MAX_MESSAGE_BYTES = 8 << 20


@dataclass
class Registry:
    """The service's artifacts; `deployed` is what deployments need."""

    store: ArtifactStore
    root: Path
    stub: artifact_pb2_grpc.ArtifactServiceStub
    deployed: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes] | None = None, **fields: Any) -> str:
        """Commit an artifact to the store, as a job of another service does."""
        return commit(self.store, files, **fields)

    def blob(self, content_sha256: str) -> Path:
        """Return where content lies on the disk."""
        return self.root / "blobs" / content_sha256[:2] / content_sha256


def commit(store: ArtifactStore, files: dict[str, bytes] | None = None, **fields: Any) -> str:
    """Commit an artifact."""
    with store.writer() as writer:
        for path, content in (files or {"weights.bin": b"weights"}).items():
            writer.add_bytes(path, content)
        return writer.commit(**{"kind": ArtifactKind.MODEL, **fields})


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    """A served registry over an empty store."""
    url = f"sqlite:///{tmp_path / 'serving.sqlite3'}"
    migrate(url, [MIGRATIONS])
    database = Database(url)
    database.start()
    store = ArtifactStore(str(tmp_path / "store"))
    index = ArtifactIndex(database, store)
    deployed: dict[str, str] = {}

    async def needed() -> dict[str, str]:
        return deployed

    server = make_server(_MAX_MESSAGE_BYTES)
    servicer = ArtifactServicer(database, store, index, ArtifactRemoval(index, store, needed))
    artifact_pb2_grpc.add_ArtifactServiceServicer_to_server(servicer, server)
    address = f"127.0.0.1:{free_port()}"
    server.add_insecure_port(address)
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield Registry(store, tmp_path / "store", artifact_pb2_grpc.ArtifactServiceStub(channel), deployed)
    await server.stop(0)
    await database.close()
