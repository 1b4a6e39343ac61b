"""The serving tables are what the code declares, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from tests.services.serving.artifacts.conftest import commit

from palmette_plugins.api import NotFound
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.serving.v1 import deployment_pb2 as pb
from palmette_protos.v1 import artifact_pb2
from palmette_services.runtime.database import Base, Database
from palmette_services.runtime.database.migrate import migrate
from palmette_services.runtime.database.url import sync_url
from palmette_services.serving.artifacts.index import ArtifactIndex
from palmette_services.serving.artifacts.listing import list_artifacts
from palmette_services.serving.deployments.states import VersionState
from palmette_services.serving.deployments.store import DeploymentStore, NewVersion
from palmette_services.serving.service import MIGRATIONS

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime" / "plugins_fixture"))

from palmette_test_service.postgresql import postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server of this module's own."""
    with postgresql() as running:
        yield running.url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with the newest schema."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path / 'serving.sqlite3'}"
    else:
        found = f"{request.getfixturevalue('server')}/postgres"
        with create_engine(sync_url(found)).begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    migrate(found, [MIGRATIONS])
    return found


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """That database, open."""
    database = Database(url)
    database.start()
    yield database
    await database.close()


def new_version(artifact: str, **fields: object) -> NewVersion:
    defaults = {"servable": "", "runtime": 0, "atol": 1e-4, "rtol": 1e-3, "settings": None}
    return NewVersion(deployment_id="digits", artifact=artifact, **{**defaults, **fields})


def test_migrations_make_the_tables_that_the_code_declares(url: str) -> None:
    with create_engine(sync_url(url)).connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    names = ("artifacts", "artifact_parents", "deployments", "deployment_versions")
    assert [item for item in differences if any(name in str(item) for name in names)] == []


async def test_versions_are_numbered_and_serve_one_after_the_other(database: Database) -> None:
    store = DeploymentStore(database)
    first = await store.add_version(new_version("a" * 64, servable="b" * 64))
    await store.make_serving(first, 1, pb.DeploymentVersion(task="classification").SerializeToString())
    second = await store.add_version(new_version("c" * 64, settings=pb.ServingSettings(instances=2)))
    await store.change_version("digits", 2, VersionState.EXPORTING, state=VersionState.LOADING, servable="d" * 64)
    await store.make_serving(second, 2, b"")
    final = await store.get("digits")
    assert [(version.number, version.state) for version in final.versions] == [
        (2, VersionState.READY),
        (1, VersionState.RETIRED),
    ]
    assert (final.serving_version, final.target_version, final.settings.instances) == (2, 2, 2)
    assert final.version(1).served.task == "classification"
    assert set(await store.needed_artifacts()) == {letter * 64 for letter in "abcd"}


async def test_change_of_a_version_that_has_moved_on_does_nothing(database: Database) -> None:
    store = DeploymentStore(database)
    await store.add_version(new_version("a" * 64))
    assert await store.change_version("digits", 1, VersionState.EXPORTING, state=VersionState.FAILED)
    assert not await store.change_version("digits", 1, VersionState.EXPORTING, state=VersionState.LOADING)
    assert (await store.get("digits")).target.state is VersionState.FAILED


async def test_removed_deployment_takes_its_versions_along(database: Database) -> None:
    store = DeploymentStore(database)
    await store.add_version(new_version("a" * 64))
    await store.remove("digits")
    with pytest.raises(NotFound):
        await store.get("digits")
    assert (await store.add_version(new_version("b" * 64))).target_version == 1


async def test_index_follows_the_store(database: Database, tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "store"))
    index = ArtifactIndex(database, store)
    parent = commit(store)
    child = commit(store, parents=(parent,), plugin="x/y")
    await index.refresh()
    listed = await list_artifacts(database, artifact_pb2.ListArtifactsRequest(filter="plugin=x/y"))
    assert [artifact.name for artifact in listed.artifacts] == [f"artifacts/{child}"]
    assert await index.children(parent) == [(child, "model")]
    store.delete(child)
    await ArtifactIndex(database, store).refresh()  # another process, which finds the rows in the database
    assert await index.children(parent) == []
