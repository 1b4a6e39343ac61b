"""How long the service waits for a worker."""

from __future__ import annotations

import asyncio
import time

from palmette_services.runtime.scheduling.attempt import Attempt, Patience, StopKind, wait_until_overdue
from palmette_services.runtime.scheduling.capacity import Demand


def attempt() -> Attempt:
    """Return an attempt that was heard just now."""
    return Attempt("job", 1, Demand(1))


async def test_silent_worker_is_overdue_when_its_lease_ends() -> None:
    start_s = time.monotonic()
    overdue = await wait_until_overdue(attempt(), Patience(lease_s=0.1, stop_grace_s=9))
    assert overdue.cause == "the worker did not answer for 0.1 s"
    assert time.monotonic() - start_s >= 0.1


async def test_heard_worker_is_not_overdue() -> None:
    alive = attempt()
    waiting = asyncio.create_task(wait_until_overdue(alive, Patience(lease_s=0.1, stop_grace_s=9)))
    for _ in range(10):
        await asyncio.sleep(0.03)
        alive.hear()
    assert not waiting.done()
    assert (await waiting).cause


async def test_worker_that_does_not_stop_is_overdue_after_the_grace() -> None:
    stubborn = attempt()
    waiting = asyncio.create_task(wait_until_overdue(stubborn, Patience(lease_s=9, stop_grace_s=0.05)))
    await asyncio.sleep(0)
    stubborn.request_stop(StopKind.CANCEL, "enough")
    assert (await waiting).cause == "the worker did not stop within 0.05 s and was killed"


async def test_worker_that_reported_its_end_is_killed_quietly_if_it_lingers() -> None:
    lingering = attempt()
    lingering.report_end()
    assert (await wait_until_overdue(lingering, Patience(9, 9, exit_grace_s=0.05))).cause == ""


def test_cancel_outranks_a_drain() -> None:
    told = attempt()
    told.request_stop(StopKind.DRAIN, "stopping")
    told.request_stop(StopKind.CANCEL, "enough")
    told.request_stop(StopKind.DRAIN, "stopping again")
    assert told.stop is not None
    assert (told.stop.kind, told.draining) == (StopKind.CANCEL, False)
