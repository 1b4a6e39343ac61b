"""Numbers, times and sizes as text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_ULID_LENGTH = 26
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(span: timedelta | float | None) -> str:
    """Write a time span with its two largest units: ``2 h 5 min``, ``43 s``, ``0.4 s``."""
    if span is None:
        return "-"
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    rest = round(seconds)
    parts: list[str] = []
    for unit_s, unit in _UNITS:
        count, rest = divmod(rest, unit_s)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part)


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Write how long ago a moment was: ``3 min ago``; the page's clock keeps it up to date."""
    if moment is None:
        return "-"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 5:
        return "just now"
    for unit_s, unit in _UNITS:
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {unit} ago"
    return "just now"


def elapsed(start: datetime | None, end: datetime | None = None) -> str:
    """Write the time between two moments, or from one until now."""
    return duration((end or datetime.now(UTC)) - start) if start else "-"


def exact(moment: datetime | None) -> str:
    """Write a moment in full, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "-"


def size(count_bytes: float) -> str:
    """Write a size with a decimal unit: ``1.2 MB``."""
    value = float(count_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def number(value: float) -> str:
    """Write a figure with four significant digits, whole numbers in full: ``0.9134``, ``270,896``, ``3.2e-06``."""
    if isinstance(value, bool) or not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e12:
        return f"{int(value):,}"
    magnitude = abs(value)
    if magnitude >= 1000:
        return f"{value:,.0f}" if magnitude < 1e12 else f"{value:.3e}"
    if magnitude < 1e-3:
        return f"{value:.1e}"
    return f"{value:.4g}"


def percent(fraction: float) -> str:
    """Write a share in whole percent; only a full one reads 100 %."""
    return f"{min(int(100 * fraction), 99) if fraction < 1 else 100} %"


def rate(per_second: float) -> str:
    """Write a rate: ``12.3/s``."""
    return f"{per_second:.0f}/s" if per_second >= 100 or per_second == 0 else f"{per_second:.1f}/s"


def milliseconds(value: float) -> str:
    """Write a short time: ``0.42 ms``, ``12.5 ms``, ``1.20 s``."""
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if value >= 100 or value == 0 else f"{value:.3g} ms"


def figure(name: str, value: float) -> str:
    """Write a figure whose name carries its unit: ``jobs_running``, ``memory_used_bytes``, ``queue_ms``."""
    if name.endswith("_bytes"):
        return size(value)
    if name.endswith("_ms"):
        return milliseconds(value)
    if name.endswith("_per_s"):
        return rate(value)
    if name.endswith(("utilisation", "utilization", "_share", "progress")):
        return f"{100 * value:.0f} %"
    return number(value)


def figure_name(name: str) -> str:
    """Write the name of such a figure without the unit."""
    for unit in ("_bytes", "_ms", "_per_s"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def part_name(name: str) -> str:
    """Shorten the name of a part that ends in a job's id to the digits that people compare."""
    head, _, last = name.rpartition("/")
    return f"{head}/…{last[-6:]}" if len(last) == _ULID_LENGTH and last.isalnum() else name


def shape(sizes: Iterable[int]) -> str:
    """Write a tensor's shape: ``3×32×32``; nothing for one without dimensions."""
    return "×".join(map(str, sizes))


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """Write a count with its noun: ``1 job``, ``2 jobs``."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def short(identifier: str) -> str:
    """Shorten an artifact's id or name to the digits that people compare."""
    return identifier.removeprefix("artifacts/").removeprefix("artifact:")[:10]


def first_line(text: str) -> str:
    """Return the first line of a text."""
    return text.strip().partition("\n")[0]


def iso(moment: datetime | None) -> str:
    """Write a moment for the ``datetime`` attribute."""
    return moment.astimezone(UTC).isoformat() if moment else ""
