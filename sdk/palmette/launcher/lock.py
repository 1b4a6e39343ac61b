"""One launcher a home."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from palmette.errors import AlreadyExists
from palmette.home import Home

_MOMENT_S = 5.0


class SuiteAlreadyRunning(AlreadyExists):
    """Another launcher holds the home."""

    def __init__(self, home: Home, pid: int) -> None:
        super().__init__(
            f"a suite already runs from {home.root} (pid {pid}); use it, stop it with `palmette down`, "
            "or start another with `palmette up --home FOLDER --port PORT`"
        )
        self.pid = pid


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold the home while the block runs. The kernel lets go of the lock whatever happens to this process."""
    home.run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, home)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, home: Home) -> None:
    """Take the lock. Who only looks blocks it for a moment; an owner has not written its id in its first one."""
    give_up_s = time.monotonic() + _MOMENT_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = holder(home)
            if pid or time.monotonic() > give_up_s:
                raise SuiteAlreadyRunning(home, pid or 0) from None
        time.sleep(0.01)


def holder(home: Home) -> int | None:
    """Return the process id of the launcher that holds the home, or None."""
    try:
        descriptor = os.open(home.lock, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(descriptor, 32, 0).strip() or b"0")
    else:
        return None
    finally:
        os.close(descriptor)
