"""Doing something every now and then while the method runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

_PERIOD_S = 0.1


class Ticker:
    """Calls `actions` several times a second in a thread of its own, until stopped."""

    def __init__(self, actions: Sequence[Callable[[], None]]) -> None:
        self._actions = actions
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Start calling."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_PERIOD_S):
            for action in self._actions:
                action()
