"""Processes that a test starts and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from palmette_gateway.envoy.binary import find_envoy

# Asks Linux to end this process when the tests are killed before they can, then becomes the command. Not a
# `preexec_fn`: that forks, and gRPC's threads make some forked children abort before they get to their command.
END_WITH_THE_TESTS = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Process:
    """One process with its output in a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PALMETTE_")}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", END_WITH_THE_TESTS, *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean | dict(environment or {}),
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = 20) -> int:
        """Send a signal and return the exit status."""
        if self.alive:
            self._process.send_signal(number)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it did not end on signal {number}:\n{self.output[-3000:]}") from None

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(errors="replace")


def start_envoy(config_dir: Path, log: Path) -> Process:
    """Start Envoy as the launcher does."""
    command = [str(find_envoy(None)), "-c", str(config_dir / "envoy.yaml"), "--log-level", "warning"]
    quick = ["--disable-hot-restart", "--concurrency", "1", "--file-flush-interval-msec", "100"]
    return Process([*command, *quick], log)


def start_gateway(environment: Mapping[str, str], log: Path) -> Process:
    """Start `python -m palmette_gateway`."""
    return Process([sys.executable, "-m", "palmette_gateway"], log, environment)
