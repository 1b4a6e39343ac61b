"""What a list of several services lacks."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from palmette.cli.output import err
from palmette.types import Listing


def tell_missing(found: Listing[Any], what: str) -> None:
    """Say on standard error which services could not be asked, so that nobody takes the list for the whole."""
    for service, why in found.unreachable.items():
        err.print(f"[yellow]the {what} of {service} are missing:[/] {escape(why)}", soft_wrap=True)
