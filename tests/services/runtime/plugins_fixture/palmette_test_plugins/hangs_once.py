"""A module to preload whose import hangs as long as a file is there; the first to see it takes it away."""

from __future__ import annotations

import os
import signal
from pathlib import Path

FLAG = "hang-once"


def hang_once() -> None:
    """Wait for ever if the flag is there."""
    flag = Path(os.environ["PALMETTE_HOME"]) / FLAG
    if flag.exists():
        flag.unlink()
        signal.pause()


hang_once()
