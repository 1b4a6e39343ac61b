"""Transactions, group commit, migrations and locks on a real SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_plugins.api.errors import FailedPrecondition, InvalidArgument, Unavailable
from palmette_services.runtime.database import Base, Database
from palmette_services.runtime.database.file_lock import DatabaseLock
from palmette_services.runtime.database.migrate import migrate
from palmette_services.runtime.database.url import async_url
from palmette_services.runtime.jobs import tables


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one table."""
    opened = Database(f"sqlite:///{tmp_path}/test.sqlite3")
    opened.start()
    async with opened.transaction() as connection:
        await connection.execute(text("CREATE TABLE numbers (value INTEGER PRIMARY KEY)"))
    yield opened
    await opened.close()


async def add(connection: AsyncConnection, value: int) -> int:
    """Insert a number."""
    await connection.execute(text("INSERT INTO numbers VALUES (:value)"), {"value": value})
    return value


async def numbers(database: Database) -> list[int]:
    """Return what is stored."""
    async with database.read() as connection:
        return list((await connection.execute(text("SELECT value FROM numbers ORDER BY value"))).scalars())


async def test_simultaneous_writes_all_arrive_and_return_their_results(database: Database) -> None:
    results = await asyncio.gather(*(database.write(lambda c, n=n: add(c, n)) for n in range(500)))
    assert results == list(range(500))
    assert await numbers(database) == list(range(500))


async def test_failing_write_fails_alone_in_its_group(database: Database) -> None:
    values = [1, 2, 2, 3]
    results = await asyncio.gather(*(database.write(lambda c, n=n: add(c, n)) for n in values), return_exceptions=True)
    assert [type(result) for result in results] == [int, int, IntegrityError, int]
    assert await numbers(database) == [1, 2, 3]


async def test_writes_pending_at_close_are_still_made(database: Database) -> None:
    writes = [asyncio.create_task(database.write(lambda c, n=n: add(c, n))) for n in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*writes) == list(range(20))


async def test_reader_is_not_blocked_by_a_writer(database: Database) -> None:
    async with database.transaction() as connection:
        await add(connection, 1)
        async with asyncio.timeout(1):
            assert await numbers(database) == []


def test_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/test.sqlite3"
    migrate(url)
    migrate(url)  # a second time changes nothing
    runtime = {table.name for table in (tables.JobRow.__table__, *_others())}
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in runtime}
        )
        changes = [change for change in compare_metadata(context, Base.metadata) if _about(change, runtime)]
        indexes = {index["name"] for index in inspect(connection).get_indexes("jobs")}
    # SQLite cannot tell that one index is descending; that it is there can be told.
    assert [change for change in changes if "ix_jobs_queue" not in repr(change)] == []
    assert "ix_jobs_queue" in indexes


def _others() -> list[object]:
    return [row.__table__ for row in (tables.EventRow, tables.OutputRow, tables.MetricRow, tables.LabelRow)]


def _about(change: object, names: set[str]) -> bool:
    return any(name in repr(change) for name in names)


def test_service_adds_migrations_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "0001.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\n"
        "revision = 'own_0001'\ndown_revision = None\nbranch_labels = ('own',)\ndepends_on = None\n"
        "def upgrade():\n    op.create_table('own', sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    url = f"sqlite:///{tmp_path}/test.sqlite3"
    migrate(url)
    migrate(url, [folder])
    with create_engine(url).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM own")).scalar_one() == 0
        assert connection.execute(select(tables.JobRow.id)).all() == []


def test_lock_names_its_owner_and_is_free_after_release(tmp_path: Path) -> None:
    first, second = DatabaseLock(tmp_path / "a.sqlite3"), DatabaseLock(tmp_path / "a.sqlite3")
    first.acquire()
    with pytest.raises(FailedPrecondition, match=r"a\.sqlite3 is in use by process \d+"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_database_that_cannot_be_opened_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot open the database .*x:\*\*\*@127\.0\.0\.1:1/y"):
        migrate("postgresql://x:secret@127.0.0.1:1/y")
    with pytest.raises(Unavailable, match=r"cannot open the database .*missing/a\.sqlite3"):
        migrate(f"sqlite:///{tmp_path}/missing/a.sqlite3")


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_unusable_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="PALMETTE_DATABASE_URL"):
        async_url(url)


def test_insert_statements_need_every_column(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/test.sqlite3")
    engine = create_engine(f"sqlite:///{tmp_path}/test.sqlite3")
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(tables.JobRow).values(id="x"))
