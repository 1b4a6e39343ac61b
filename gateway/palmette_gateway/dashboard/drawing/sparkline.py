"""A time series as a line the height of a line of text."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, _MARGIN = 120.0, 28.0, 2.0
_MOST = 120


def sparkline(series: Sequence[tuple[float, float]], label: str, *, from_zero: bool = False) -> Markup:
    """Return (time, value) points as SVG with a text alternative; less than two points give an empty baseline.

    Args:
        series: Points in order of time.
        label: What the line shows, for those who do not see it.
        from_zero: Let the axis start at 0, as for rates; else the line fills the height.
    """
    points = _thin(series)
    if len(points) < 2:
        return Markup(
            '<svg class="spark" viewBox="0 0 120 28" role="img" aria-label="{}: no history yet">'
            '<path class="spark-none" d="M2 26H118"/></svg>'
        ).format(label)
    values = [value for _, value in points]
    low, high = (min(0.0, *values) if from_zero else min(values)), max(values)
    start, end = points[0][0], points[-1][0]
    path = [(_across(time, start, end), _up(value, low, high)) for time, value in points]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in path)
    area = f"{line}L{path[-1][0]:.1f} {HEIGHT:.0f}L{path[0][0]:.1f} {HEIGHT:.0f}Z"
    text = f"{label}: from {values[0]:.4g} to {values[-1]:.4g}, lowest {min(values):.4g}, highest {max(values):.4g}"
    return Markup(
        '<svg class="spark" viewBox="0 0 120 28" role="img" aria-label="{}" preserveAspectRatio="none">'
        '<path class="spark-area" d="{}"/><path class="spark-line" d="{}"/></svg>'
    ).format(text, area, line)


def _thin(series: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(series) <= _MOST:
        return list(series)
    step = (len(series) - 1) / (_MOST - 1)
    return [series[round(index * step)] for index in range(_MOST)]


def _across(time: float, start: float, end: float) -> float:
    share = (time - start) / (end - start) if end > start else 1.0
    return _MARGIN + share * (WIDTH - 2 * _MARGIN)


def _up(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else (0.5 if value else 0.0)
    return HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN)
