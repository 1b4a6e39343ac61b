"""How long one question to all services may wait for the slowest."""

from __future__ import annotations

from palmette_gateway.control_plane.caller import AnyContext

SPARE = 0.8  # of the caller's time, so that an answer without the slow ones still arrives


def ask_each_within(context: AnyContext, longest_s: float) -> float:
    """Seconds that each service gets: `longest_s`, or less where the caller waits less."""
    remaining_s: float | None = context.time_remaining()  # None without a deadline, whatever the stubs say
    return longest_s if remaining_s is None else min(longest_s, SPARE * remaining_s)
