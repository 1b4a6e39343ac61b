"""A suite in the background: starting it, following its start, stopping it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from palmette.errors import DeadlineExceeded, SuiteDidNotStart
from palmette.home import Home
from palmette.launcher.lock import SuiteAlreadyRunning, holder
from palmette.launcher.managed_process import log_tail
from palmette.launcher.ports import check_free
from palmette.launcher.state import Phase, SuiteState
from palmette.launcher.supervisor import START_LIMIT_S
from palmette.launcher.survivors import stop_survivors

_POLL_S = 0.05
_STOP_LIMIT_S = 90.0


def start_detached(home: Home, port: int, watcher: Callable[[SuiteState], None] | None = None) -> SuiteState:
    """Start a launcher that outlives this process, and return when the suite is healthy.

    Raises:
        SuiteAlreadyRunning: A launcher runs there already.
        PortTaken: Something else listens on `port`.
        SuiteDidNotStart: It did not come up; everything was stopped again.
    """
    running = holder(home)
    if running is not None:
        raise SuiteAlreadyRunning(home, running)
    check_free(port)
    home.logs.mkdir(parents=True, exist_ok=True)
    log = home.logs / "launcher.log"
    command = [sys.executable, "-m", "palmette.launcher", "--home", str(home.root), "--port", str(port)]
    with log.open("wb") as out:
        launcher = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/"
        )
    try:
        return _follow(home, launcher, watcher)
    except KeyboardInterrupt:
        launcher.terminate()
        launcher.wait(timeout=_STOP_LIMIT_S)
        raise


def _follow(home: Home, launcher: subprocess.Popen[bytes], watcher: Callable[[SuiteState], None] | None) -> SuiteState:
    deadline_s = time.monotonic() + START_LIMIT_S + _STOP_LIMIT_S
    while time.monotonic() < deadline_s:
        ended = launcher.poll() is not None
        state = SuiteState.read(home.state)
        if state and state.pid == launcher.pid:
            if watcher:
                watcher(state)
            if state.phase is Phase.RUNNING and home.endpoints.exists():
                return state
        if ended:
            own = state and state.pid == launcher.pid and state.error
            first = holder(home)
            if first and not own:  # another start was faster by a moment
                raise SuiteAlreadyRunning(home, first)
            raise SuiteDidNotStart(own or _complaint(home))
        time.sleep(_POLL_S)
    raise SuiteDidNotStart(f"the launcher (pid {launcher.pid}) says nothing; see {home.logs / 'launcher.log'}")


def _complaint(home: Home) -> str:
    """Return what a launcher that ended before it could start anything wrote."""
    text = (home.logs / "launcher.log").read_text(errors="replace").strip()
    return text.removeprefix("palmette: ") or f"the launcher ended at once:\n{log_tail(home.logs / 'launcher.log')}"


def stop_detached(home: Home) -> bool:
    """Stop the suite of `home` and wait for its end; also what a killed launcher left. Return whether one ran.

    Raises:
        DeadlineExceeded: It did not stop in time.
    """
    pid = holder(home)
    if pid is None:
        left = stop_survivors(home)
        home.endpoints.unlink(missing_ok=True)
        return bool(left)
    try:
        process = psutil.Process(pid)
        os.kill(pid, signal.SIGTERM)
        process.wait(timeout=_STOP_LIMIT_S)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return True
    except psutil.TimeoutExpired:
        raise DeadlineExceeded(f"the suite (pid {pid}) did not stop within {_STOP_LIMIT_S:.0f} s") from None
    return True
