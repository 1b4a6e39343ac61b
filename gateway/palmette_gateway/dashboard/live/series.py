"""Metrics of a job as series of a size that a browser draws at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

MOST_POINTS = 600
Point = tuple[int, float]


class Series:
    """Collects measurements by name and step; a later attempt's measurement of a step replaces the earlier one."""

    def __init__(self) -> None:
        self._points: dict[str, dict[int, float]] = defaultdict(dict)

    def add(self, name: str, step: int, value: float) -> None:
        """Add a measurement."""
        self._points[name][step] = value

    def take(self) -> dict[str, list[Point]]:
        """Return everything collected since the last call, thinned, in order of steps."""
        taken = {name: thinned(sorted(points.items())) for name, points in self._points.items()}
        self._points.clear()
        return taken


def thinned(points: list[Point], most: int = MOST_POINTS) -> list[Point]:
    """Return at most about `most` points: of each stretch its lowest and its highest, so that no spike is lost."""
    if len(points) <= most:
        return points
    stretches = most // 2
    kept: list[Point] = []
    for index in range(stretches):
        stretch = points[index * len(points) // stretches : (index + 1) * len(points) // stretches]
        kept += sorted(_extremes(stretch))
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def _extremes(stretch: list[Point]) -> Iterable[Point]:
    return {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
