"""`palmette up`: from the command to all parts healthy.

python benchmarks/start_up.py [--json FILE]
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from service_under_test import Figure, at_most, report

COMMAND = Path(sys.executable).with_name("palmette")
STARTS = 3


def main() -> None:
    """Start and stop a suite several times in one home; the first start reads the catalogues anew."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="palmette-benchmark-") as home:
        for _ in range(STARTS):
            started_s = time.perf_counter()
            palmette_command(home, "up", "--detach", "--port", str(free_port()))
            seconds.append(time.perf_counter() - started_s)
            palmette_command(home, "down")
    report(
        "palmette up",
        [
            Figure("all healthy, first start of a home", seconds[0], "s"),
            at_most("all healthy, median", statistics.median(seconds), "s", 20.0),
        ],
    )


def palmette_command(home: str, *arguments: str) -> None:
    """Run a command of a home's suite."""
    subprocess.run(
        [str(COMMAND), *arguments], env={**os.environ, "PALMETTE_HOME": home}, check=True, stdout=subprocess.DEVNULL
    )


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
