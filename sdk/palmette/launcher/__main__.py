"""``python -m palmette.launcher``: the launcher without a terminal, as `palmette up --detach` starts it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from palmette.errors import PalmetteError
from palmette.home import Home
from palmette.launcher.suite import DEFAULT_PORT, run_suite


def main() -> None:
    """Run a suite until SIGTERM."""
    parser = argparse.ArgumentParser(prog="palmette.launcher", description=__doc__)
    parser.add_argument("--home", type=Path, help="where the suite keeps its files")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="the one public port, on loopback")
    given = parser.parse_args()
    try:
        asyncio.run(run_suite(Home.find(given.home), given.port))
    except PalmetteError as error:
        sys.exit(f"palmette: {error}")


if __name__ == "__main__":
    main()
