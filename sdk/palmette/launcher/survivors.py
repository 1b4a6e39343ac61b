"""Processes of a launcher that was killed and could not stop them."""

from __future__ import annotations

import psutil

from palmette.home import Home
from palmette.launcher.state import SuiteState

_GRACE_S = 10.0
_SAME_S = 1.0  # clocks of the kernel and of psutil round differently


def find_survivors(home: Home) -> list[psutil.Process]:
    """Return the processes that an earlier launcher of this home started and that still run."""
    state = SuiteState.read(home.state)
    found = []
    for recorded in state.processes if state else ():
        try:
            process = psutil.Process(recorded.pid) if recorded.pid else None
            if process and abs(process.create_time() - recorded.create_time_s) < _SAME_S:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def stop_survivors(home: Home) -> list[str]:
    """Stop them, gently first; return what they were."""
    survivors = find_survivors(home)
    names = []
    for process in survivors:
        try:
            names.append(f"{process.name()} (pid {process.pid})")
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(survivors, timeout=_GRACE_S)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=_GRACE_S)
    return names
