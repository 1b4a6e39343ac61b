"""Waiting for processes that are not our children."""

from __future__ import annotations

import asyncio
import os

import psutil

_POLL_S = 0.2


def process_runs(pid: int, created_s: float) -> bool:
    """Tell whether the process that had this id at this time of creation still runs."""
    try:
        process = psutil.Process(pid)
        # Ids are used again; a second covers the corrections of the clock since.
        return abs(process.create_time() - created_s) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def wait_for_exit(pid: int, created_s: float) -> None:
    """Return when the process has ended."""
    descriptor = _open(pid)
    if descriptor is None:
        await _poll(pid, created_s)
        return
    try:
        if process_runs(pid, created_s):
            await _readable(descriptor)
    finally:
        os.close(descriptor)


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # already gone, or a system without it
        return None


async def _poll(pid: int, created_s: float) -> None:
    while process_runs(pid, created_s):  # noqa: ASYNC110 - nothing tells us
        await asyncio.sleep(_POLL_S)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
