"""Running a command from a thread so that another one can end it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence

import psutil


class Ended(Exception):  # noqa: N818 - asked for, not a fault
    """The command was ended, or not started any more, because `EndableRun.end` was called."""


class EndableRun:
    """Runs commands one after the other, with a niceness, until told to end."""

    def __init__(self, niceness: int = 0) -> None:
        self._niceness = niceness
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._over = False

    def run(self, command: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[bytes]:
        """Run a command and capture its output.

        Raises:
            subprocess.TimeoutExpired: It took longer than `timeout_s` and was killed.
            Ended: `end` was called.
        """
        with self._lock:
            if self._over:
                raise Ended
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(process.pid).nice(min(19, os.nice(0) + self._niceness))
            self._running = process
        with process:
            try:
                output, errors = process.communicate(timeout=timeout_s)
            except BaseException:
                _kill(process)
                raise
        if self._over:
            raise Ended
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def end(self) -> None:
        """Kill what runs, and run nothing any more."""
        with self._lock:
            self._over = True
            if self._running is not None:
                _kill(self._running)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session, with what it started: that would hold its output open."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
