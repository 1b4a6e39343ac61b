"""The standard library's forkserver process, ended for sure.

It has no call for this: asked to stop it first finishes what it does, and unloading torch alone takes seconds.
"""

from __future__ import annotations

import contextlib
import os
import signal
from multiprocessing import forkserver
from typing import Any

_server: Any = forkserver._forkserver


def kill_server() -> None:
    """Kill the process if there is one; whoever waits for its answer gets an error. For any thread."""
    if not _server._lock.acquire(blocking=False):  # being started or stopped just now: ask again
        return
    try:
        if _server._forkserver_pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(_server._forkserver_pid, signal.SIGKILL)
    finally:
        _server._lock.release()


def stop_server() -> None:
    """Kill the process and wait for its end. For the one thread that uses the forkserver."""
    kill_server()
    _server._stop()
