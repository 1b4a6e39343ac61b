"""How long one question to all services may wait for the slowest."""

from __future__ import annotations

from palmette_gateway.control_plane.caller import AnyContext

LONGEST_S = 5.0
SPARE = 0.8  # of the caller's time, so that an answer without the slow ones still arrives


def ask_each_within(context: AnyContext) -> float:
    """Seconds that each service gets."""
    remaining_s: float | None = context.time_remaining()  # None without a deadline, whatever the stubs say
    return LONGEST_S if remaining_s is None else min(LONGEST_S, SPARE * remaining_s)
