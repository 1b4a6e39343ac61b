"""Processes that a test starts and ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from palmette_gateway.envoy.binary import find_envoy

PR_SET_PDEATHSIG = 1


class Process:
    """One process with its output in a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PALMETTE_")}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean | dict(environment or {}),
                preexec_fn=_end_with_the_tests,
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


def _end_with_the_tests() -> None:
    """Ask Linux to end this process when the tests are killed before they can."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start_envoy(config_dir: Path, log: Path) -> Process:
    """Start Envoy as the launcher does."""
    command = [str(find_envoy(None)), "-c", str(config_dir / "envoy.yaml"), "--log-level", "warning"]
    quick = ["--disable-hot-restart", "--concurrency", "1", "--file-flush-interval-msec", "100"]
    return Process([*command, *quick], log)


def start_gateway(environment: Mapping[str, str], log: Path) -> Process:
    """Start `python -m palmette_gateway`."""
    return Process([sys.executable, "-m", "palmette_gateway"], log, environment)
