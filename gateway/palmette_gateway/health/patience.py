"""Tells a part that is still starting from one that is down."""

from __future__ import annotations

import time

from palmette_gateway.health.observation import State

STARTING_S = 30.0


class Patience:
    """Remembers who has answered once; whoever has not is 'starting' for half a minute."""

    def __init__(self) -> None:
        self._first_asked_s: dict[str, float] = {}
        self._answered: set[str] = set()

    def answered(self, name: str) -> None:
        """Note that `name` answered."""
        self._answered.add(name)

    def silent(self, name: str, reason: str) -> tuple[State, str]:
        """How to call a part that does not answer, and why."""
        now = time.monotonic()
        first = self._first_asked_s.setdefault(name, now)
        if name not in self._answered and now - first < STARTING_S:
            return State.DEGRADED, f"starting: {reason}"
        return State.UNHEALTHY, reason
