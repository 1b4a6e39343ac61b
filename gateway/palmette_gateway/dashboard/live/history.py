"""The recent past of figures that services only report as they are now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from palmette_gateway.dashboard.presentation.metrics import headline

Key = tuple[str, str]
"""Who (a job's or a deployment's name) and what (the name of the figure)."""

_SPAN_S = 600.0
_MOST = 600
_LIVELY = 4


class History:
    """Time series of the last ten minutes by key; those of a job or deployment that is gone are forgotten."""

    def __init__(self) -> None:
        self._series: dict[Key, deque[tuple[float, float]]] = {}

    def add(self, key: Key, time_s: float, value: float) -> None:
        """Append a value to a series."""
        series = self._series.setdefault(key, deque(maxlen=_MOST))
        series.append((time_s, value))
        while series[0][0] < time_s - _SPAN_S:
            series.popleft()

    def get(self, key: Key) -> list[tuple[float, float]]:
        """Return a series as (seconds, value), oldest first."""
        return list(self._series.get(key, ()))

    def main_curve(self, owner: str, values: Mapping[str, float]) -> str:
        """Return the figure whose course says most about a running job, or the empty string.

        That is the most telling one that has moved a few times; until one has, the one that moved most.
        """
        names = [name for name, _ in headline(values, len(values))]
        moves = {name: len({value for _, value in self.get((owner, name))}) for name in names}
        lively = [name for name in names if moves[name] >= _LIVELY]
        return lively[0] if lively else max(names, key=lambda name: moves[name], default="")

    def keep(self, owners: Iterable[str]) -> None:
        """Forget the series of everything that is not among `owners`."""
        wanted = set(owners)
        for key in [key for key in self._series if key[0] not in wanted]:
            del self._series[key]
