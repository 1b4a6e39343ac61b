"""Figures and settings of several things side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from palmette_gateway.dashboard.presentation.commands import flattened
from palmette_gateway.dashboard.presentation.formatting import number, short
from palmette_gateway.dashboard.presentation.metrics import best, headline


@dataclass(frozen=True)
class Row:
    """One figure or setting of every column; `shares` are parts of the row's largest, `best` the columns to mark."""

    name: str
    texts: tuple[str, ...]
    shares: tuple[float, ...] = ()
    best: frozenset[int] = frozenset()


def metric_rows(columns: Sequence[Mapping[str, float]]) -> list[Row]:
    """Return a row for every figure that any column has, the most telling first."""
    everything = {name: value for column in columns for name, value in column.items()}
    return [figure_row(name, [column.get(name) for column in columns]) for name, _ in headline(everything, 1000)]


def figure_row(name: str, values: Sequence[float | None], texts: Sequence[str] = ()) -> Row:
    """Return the row of one figure; `texts` are its values in words where a plain number does not do."""
    known = [value for value in values if value is not None]
    largest = max((abs(value) for value in known), default=0.0) or 1.0
    chosen = best(name, known)
    return Row(
        name,
        tuple(texts) or tuple("-" if value is None else number(value) for value in values),
        tuple(0.0 if value is None else abs(value) / largest for value in values),
        frozenset(at for at, value in enumerate(values) if value is not None and value == chosen),
    )


def setting_rows(columns: Sequence[Mapping[str, object]]) -> list[Row]:
    """Return the settings in which the columns differ, nested ones by their dotted names."""
    flat = [{name: _words(value) for name, value in flattened(column)} for column in columns]
    names = dict.fromkeys(name for column in flat for name in column)
    rows = [Row(name, tuple(column.get(name, "-") for column in flat)) for name in names]
    return [row for row in rows if len(set(row.texts)) > 1]


def _words(value: object) -> str:
    if value is None or value in ([], (), {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, str) and value.startswith("artifact:"):
        return f"artifact:{short(value)}"
    return number(value) if isinstance(value, float) else str(value)
