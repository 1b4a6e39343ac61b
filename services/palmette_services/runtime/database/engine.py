"""The engine: connections, transactions, and writes that share commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from palmette_services.runtime.database.group_commit import GroupCommit, Write
from palmette_services.runtime.database.sqlite import BUSY_TIMEOUT_S, set_up_sqlite
from palmette_services.runtime.database.url import async_url

T = TypeVar("T")


class Database:
    """A service's database.

    Attributes:
        engine: The async engine.
        sessions: Makes ORM sessions for reading; write in `transaction` or `session`.
        dialect: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, url: str) -> None:
        parsed = async_url(url)
        self.dialect = parsed.get_backend_name()
        self.engine = _engine(parsed)
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writing = asyncio.Lock()
        self._group = GroupCommit(self.transaction)
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the writer behind `write`."""
        self._writer = asyncio.create_task(self._group.run(), name="database writer")

    async def close(self) -> None:
        """Finish pending writes and close all connections."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self.engine.dispose()

    async def write(self, write: Write[T]) -> T:
        """Run `write` with a connection in a transaction that it may share; durable when this returns.

        It may be run twice, so it must do nothing but talk to the database.
        """
        return await self._group.write(write)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction; committed at the end, rolled back by an exception."""
        async with self._turn(), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                await connection.execution_options(palmette_begin="BEGIN IMMEDIATE")
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open an ORM session in a write transaction; committed at the end, rolled back by an exception."""
        async with self.transaction() as connection, AsyncSession(connection, expire_on_commit=False) as session:
            yield session
            await session.flush()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reading: everything read through it is of one moment (SQLite) or committed."""
        async with self.engine.connect() as connection:
            yield connection

    async def check(self) -> None:
        """Raise if the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    def _turn(self) -> AbstractAsyncContextManager[Any]:
        # SQLite has one writer: waiting here is fair and free, waiting in the file's lock is neither.
        return self._writing if self.dialect == "sqlite" else nullcontext()


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=True)
    engine = create_async_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S}, pool_size=5, max_overflow=5)
    set_up_sqlite(engine.sync_engine)
    return engine
