"""How long a job will still take."""

from __future__ import annotations

import time


class JobClock:
    """Estimates the time to the end from the share that was done since this attempt began."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._first_fraction: float | None = None

    def remaining_s(self, fraction: float) -> float | None:
        """Return the time to the end in seconds at the done share `fraction`, or None too early to tell."""
        if self._first_fraction is None:
            self._first_fraction = fraction  # a resumed job does not start at 0
        done = fraction - self._first_fraction
        elapsed_s = time.monotonic() - self._started_s
        return elapsed_s / done * (1.0 - fraction) if done > 0.01 else None
