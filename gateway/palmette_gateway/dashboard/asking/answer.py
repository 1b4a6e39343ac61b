"""What an answer consists of; the page draws it without knowing what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tile:
    """One figure of the whole answer, as text."""

    name: str
    text: str


@dataclass(frozen=True)
class Chart:
    """A figure.

    Attributes:
        title: What it shows.
        spec: A Vega-Lite specification that carries its data.
        note: How to read it.
        wide: It needs the width of a desktop; where there is less it scrolls sideways.
    """

    title: str
    spec: Mapping[str, Any]
    note: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table; those of numbers stand to the right."""

    name: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text, a cell for each column; the first cell names the row."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer, in the order in which it is shown."""

    tiles: tuple[Tile, ...]
    parts: tuple[Chart | Table, ...]
