"""A histogram as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

_BAR, _GAP, _HEIGHT, _TEXT = 34, 10, 72, 16


def bars(counts: Sequence[tuple[str, float]], label: str) -> Markup:
    """Return labelled bars, each with its share in percent above it."""
    total = sum(count for _, count in counts) or 1.0
    highest = max((count for _, count in counts), default=1.0) or 1.0
    width = len(counts) * (_BAR + _GAP) + _GAP
    parts = [_bar(index, name, count, count / highest, count / total) for index, (name, count) in enumerate(counts)]
    text = ", ".join(f"{name}: {100 * count / total:.0f} %" for name, count in counts)
    return Markup('<svg class="bars" viewBox="0 0 {} {}" width="{}" role="img" aria-label="{}">{}</svg>').format(
        width, _HEIGHT + 2 * _TEXT, width, f"{label}: {text}", Markup("").join(parts)
    )


def _bar(index: int, name: str, count: float, height_share: float, share: float) -> Markup:
    left = _GAP + index * (_BAR + _GAP)
    height = max(height_share * _HEIGHT, 1.5 if count else 0)
    top = _TEXT + _HEIGHT - height
    middle = left + _BAR / 2
    return Markup(
        '<rect x="{}" y="{:.1f}" width="{}" height="{:.1f}" rx="2"/>'
        '<text x="{}" y="{:.1f}">{:.0f}%</text><text x="{}" y="{}">{}</text>'
    ).format(left, top, _BAR, height, middle, top - 4, 100 * share, middle, _TEXT + _HEIGHT + 13, name)


def batch_shares(executions: Mapping[int, int], most: int = 8) -> list[tuple[str, float]]:
    """Return executions by batch size for `bars`; where there are many sizes, in ranges of powers of two."""
    if len(executions) <= most:
        return [(str(size), float(count)) for size, count in sorted(executions.items())]
    ranges: dict[int, float] = {}
    for size, count in executions.items():
        power = max(size - 1, 0).bit_length()
        ranges[power] = ranges.get(power, 0.0) + count
    return [(_range(power), count) for power, count in sorted(ranges.items())]


def _range(power: int) -> str:
    low, high = 2 ** (power - 1) + 1 if power else 1, 2**power
    return str(high) if low >= high else f"{low}-{high}"
