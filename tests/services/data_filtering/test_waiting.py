"""Batches of whatever waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from palmette_services.data_filtering.waiting import batches_of_waiting


async def stream(items: list[int], error: Exception | None = None) -> AsyncIterator[int]:
    for item in items:
        yield item
    if error is not None:
        raise error


async def test_what_waits_is_taken_together_and_nothing_is_lost() -> None:
    found = []
    async for batch in batches_of_waiting(stream(list(range(1, 21))), 8, 1000, lambda _: 1):
        found.append(batch)
        for _ in range(50):  # others run: what is sent ahead arrives
            await asyncio.sleep(0)
    assert [item for batch in found for item in batch] == list(range(1, 21))
    assert max(map(len, found)) == 8


async def test_a_batch_stays_below_its_bytes_unless_one_item_is_larger() -> None:
    found = []
    async for batch in batches_of_waiting(stream([3, 3, 3, 9, 3]), 8, 7, lambda item: item):
        found.append(batch)
        for _ in range(50):
            await asyncio.sleep(0)
    assert [item for batch in found for item in batch] == [3, 3, 3, 9, 3]
    assert all(sum(batch) <= 7 or len(batch) == 1 for batch in found)


async def test_a_sender_who_waits_for_each_answer_is_answered() -> None:
    sent: asyncio.Queue[int | None] = asyncio.Queue()

    async def queued() -> AsyncIterator[int]:
        while (item := await sent.get()) is not None:
            yield item

    batches = batches_of_waiting(queued(), 8, 100, lambda _: 1)
    for item in (1, 2, 3):
        await sent.put(item)
        assert await asyncio.wait_for(anext(batches), 5) == [item]
    await sent.put(None)
    assert [batch async for batch in batches] == []


async def test_what_breaks_the_stream_comes_out_after_what_arrived() -> None:
    batches = batches_of_waiting(stream([1, 2], ValueError("broken")), 8, 100, lambda _: 1)
    assert await anext(batches) == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        await anext(batches)


async def test_leaving_early_ends_the_reader() -> None:
    batches = batches_of_waiting(stream(list(range(1000))), 4, 100, lambda _: 1)
    await anext(batches)
    await batches.aclose()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "reading pairs"]
