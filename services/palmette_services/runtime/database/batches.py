"""Doing together what waits at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class _Waiting(Generic[T, R]):
    item: T
    result: asyncio.Future[R]


class Batches(Generic[T, R]):
    """Hands items to `handle` in the order in which they came, many at a time.

    While one batch is being handled, the next gathers. If a batch fails, its items are handled again one by
    one, so that only the culprit fails: `handle` must leave nothing behind when it raises.

    Args:
        handle: Returns one result for each item.
        most: Largest batch.
    """

    def __init__(self, handle: Callable[[Sequence[T]], Awaitable[Sequence[R]]], most: int = 256) -> None:
        self._handle = handle
        self._most = most
        self._waiting: asyncio.Queue[_Waiting[T, R]] = asyncio.Queue()

    async def submit(self, item: T) -> R:
        """Return the item's result. `run` must be running."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait(_Waiting(item, result))
        return await result

    async def run(self) -> None:
        """Handle batches until cancelled; what waits then is handled first."""
        try:
            while True:
                await self._next_batch([await self._waiting.get()])
        except asyncio.CancelledError:
            while not self._waiting.empty():
                await self._next_batch([])
            raise

    async def _next_batch(self, batch: list[_Waiting[T, R]]) -> None:
        while len(batch) < self._most and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        wanted = [waiting for waiting in batch if not waiting.result.cancelled()]
        if wanted:
            # Our own cancellation (the service stops) must not tear a batch in the middle.
            await asyncio.shield(asyncio.ensure_future(self._settle(wanted)))

    async def _settle(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            results = await self._handle([waiting.item for waiting in batch])
        except Exception as error:  # noqa: BLE001 - given to whoever waits for the item
            if len(batch) > 1:
                for waiting in batch:
                    await self._settle([waiting])
            elif not batch[0].result.done():
                batch[0].result.set_exception(error)
            return
        for waiting, result in zip(batch, results, strict=True):
            if not waiting.result.done():
                waiting.result.set_result(result)
