"""Group commit: writes that wait at the same time share one transaction.

A commit costs a disk flush, whatever it holds. While one flush runs, the next writes gather; they then go
through together. If one of them fails, all are run again one by one, so that only the culprit fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Write = Callable[[AsyncConnection], Awaitable[T]]
_MOST = 256  # writes in one transaction


@dataclass(frozen=True)
class _Pending:
    write: Write[Any]
    result: asyncio.Future[Any]


class GroupCommit:
    """Runs writes in the order in which they came, many in one transaction.

    `run` must be running for `write` to return. A write may be run twice (a failed group is repeated), so it
    must do nothing but talk to the database.
    """

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncConnection]]) -> None:
        self._transaction = transaction
        self._pending: asyncio.Queue[_Pending] = asyncio.Queue()

    async def write(self, write: Write[T]) -> T:
        """Run `write` in a transaction; return what it returned once that is durable."""
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._pending.put_nowait(_Pending(write, result))
        return await result

    async def run(self) -> None:
        """Write until cancelled; what is pending then is written first."""
        try:
            while True:
                await self._flush([await self._pending.get()])
        except asyncio.CancelledError:
            while not self._pending.empty():
                await self._flush([])
            raise

    async def _flush(self, group: list[_Pending]) -> None:
        while len(group) < _MOST and not self._pending.empty():
            group.append(self._pending.get_nowait())
        group = [pending for pending in group if not pending.result.cancelled()]
        # The writer's own cancellation (shutdown) must not tear a transaction in flight.
        await asyncio.shield(asyncio.ensure_future(self._commit(group)))

    async def _commit(self, group: list[_Pending]) -> None:
        try:
            async with self._transaction() as connection:
                results = [await pending.write(connection) for pending in group]
        except Exception as error:  # noqa: BLE001 - given to whoever asked for the write
            if len(group) > 1:
                for pending in group:
                    await self._commit([pending])
            elif group and not group[0].result.done():
                group[0].result.set_exception(error)
            return
        for pending, result in zip(group, results, strict=True):
            if not pending.result.done():
                pending.result.set_result(result)
