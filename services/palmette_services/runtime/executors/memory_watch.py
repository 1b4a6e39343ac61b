"""Watching how much memory a worker takes, with every process that it started.

A process without privileges can count on no cgroup of its own, and a limit on its address space (RLIMIT_AS)
would end every job that only reserves much, as CUDA does. So the service looks, the more often the nearer a
job is to its limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

_FILLED_PER_S = 2 << 30  # bytes that a job may fill in a second
_SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.1, 1.0


async def wait_until_exceeded(leader: int, limit_bytes: int) -> int:
    """Return what the session of process `leader` takes, in bytes, once that is more than the limit."""
    while True:
        used_bytes = await asyncio.to_thread(session_bytes, leader, limit_bytes)
        if used_bytes > limit_bytes:
            return used_bytes
        left_s = (limit_bytes - used_bytes) / _FILLED_PER_S
        await asyncio.sleep(min(max(left_s, _SHORTEST_LOOK_S), _LONGEST_LOOK_S))


def session_bytes(leader: int, limit_bytes: int) -> int:
    """Return the memory of a session in bytes, swapped out or not; exact only where it may be over the limit.

    A page that several processes share counts in parts, so that together they count once: a worker shares the
    code of torch with the forkserver and all other workers.
    """
    pids = list(_session(leader))
    most_bytes = sum(_with_shared_bytes(pids))  # cheap, and never too little
    return most_bytes if most_bytes <= limit_bytes else sum(_own_bytes(pids))


def _session(leader: int) -> Iterator[int]:
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader:
                yield pid


def _with_shared_bytes(pids: Iterable[int]) -> Iterator[int]:
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            yield psutil.Process(pid).memory_info().rss + _swapped_bytes(pid)


def _swapped_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):  # ended, or a system without /proc
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmSwap:"):
                return int(line.split()[1]) << 10
    return 0


def _own_bytes(pids: Iterable[int]) -> Iterator[int]:
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            memory = psutil.Process(pid).memory_full_info()
            yield memory.pss + memory.swap if hasattr(memory, "pss") else memory.uss
