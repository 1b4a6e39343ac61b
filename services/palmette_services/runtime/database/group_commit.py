"""Group commit: writes that wait at the same time share one transaction.

A commit costs a disk flush, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_services.runtime.database.batches import Batches

T = TypeVar("T")
Write = Callable[[AsyncConnection], Awaitable[T]]


class GroupCommit:
    """Runs writes in the order in which they came, many in one transaction.

    `run` must be running for `write` to return. A write may be run twice (a failed group is repeated), so it
    must do nothing but talk to the database.
    """

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncConnection]]) -> None:
        self._transaction = transaction
        self._batches: Batches[Write[Any], Any] = Batches(self._commit)

    async def write(self, write: Write[T]) -> T:
        """Run `write` in a transaction; return what it returned once that is durable."""
        return cast("T", await self._batches.submit(write))

    async def run(self) -> None:
        """Write until cancelled; what is pending then is written first."""
        await self._batches.run()

    async def _commit(self, writes: Sequence[Write[Any]]) -> list[Any]:
        async with self._transaction() as connection:
            return [await write(connection) for write in writes]
