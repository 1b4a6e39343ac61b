"""What commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from palmette.cli.json_values import dumps

# Whoever reads a pipe or a file wants whole cells: only a terminal has a width.
_PIPE_WIDTH = 240
out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def show(value: Any, as_json: bool, text: Callable[[], object]) -> None:
    """Print `value` as JSON, or what `text` makes of it."""
    if as_json:
        print(dumps(value))
        return
    rendered = text()
    if rendered is not None:
        # A token, a link or a path must come out as one line, to be copied or to be read by another command.
        out.print(rendered, soft_wrap=isinstance(rendered, str))


def json_line(value: Any) -> None:
    """Print one JSON value on one line, at once, for whoever reads a stream."""
    sys.stdout.write(dumps(value, indent=None) + "\n")
    sys.stdout.flush()


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, wrap: Sequence[str] = ()
) -> Table | str:
    """Return rows under headings, or what to say when there are none.

    A heading with a leading ``>`` aligns right. On a narrow terminal the last column gives way, and those in `wrap`.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        return f"[dim]{empty}[/]"
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        heading = column.removeprefix(">")
        gives_way = index == len(columns) - 1 or heading in wrap
        made.add_column(
            heading,
            justify="right" if column.startswith(">") else "left",
            no_wrap=not gives_way,
            overflow="fold",
            min_width=None if gives_way else max(Text.from_markup(row[index]).cell_len for row in cells),
        )
    for row in cells:
        made.add_row(*row)
    return made
