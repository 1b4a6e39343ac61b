"""From a stream of single things to batches: whatever waits when there is time for more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _End:
    """The stream is over; `error` is what ended it too early."""

    error: Exception | None


async def batches_of_waiting(
    items: AsyncIterator[T], most: int, most_bytes: int, size: Callable[[T], int]
) -> AsyncGenerator[list[T], None]:
    """Yield all items in order, in batches of those that have come by the time that a batch is asked for.

    A sender who waits for each answer gets it; one who sends ahead is answered in full batches. No more than `most`
    items are read ahead, and a batch holds at most `most_bytes` (or one larger item). What `items` raises comes out
    after the batches before it.
    """
    arrived: asyncio.Queue[T | _End] = asyncio.Queue(maxsize=most)
    reader = asyncio.create_task(_read(items, arrived), name="reading pairs")
    following: T | _End | None = None  # taken from the queue, in no batch yet
    try:
        while True:
            first = following if following is not None else await arrived.get()
            following = None
            if isinstance(first, _End):
                if first.error is not None:
                    raise first.error
                return
            batch, total = [first], size(first)
            while following is None and len(batch) < most and not arrived.empty():
                taken = arrived.get_nowait()
                if isinstance(taken, _End) or total + size(taken) > most_bytes:
                    following = taken
                else:
                    batch.append(taken)
                    total += size(taken)
            yield batch
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _read(items: AsyncIterator[T], arrived: asyncio.Queue[T | _End]) -> None:
    """Put every item into the queue, then the end with what went wrong, if anything did."""
    error: Exception | None = None
    try:
        async for item in items:
            await arrived.put(item)
    except Exception as raised:  # noqa: BLE001 - whoever takes the batches raises it
        error = raised
    await arrived.put(_End(error))
