"""What a list lacks: what is beyond its limit, and services that do not answer."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from palmette.cli.output import err
from palmette.types import Listing


def tell_missing(found: Listing[Any], what: str) -> None:
    """Say on standard error what is not shown, so that nobody takes the list for the whole."""
    if found.total is not None and found.total > len(found):
        err.print(f"showing {len(found):,} of {found.total:,} {what}; --limit shows more")
    for service, why in found.unreachable.items():
        err.print(f"[yellow]the {what} of {service} are missing:[/] {escape(why)}", soft_wrap=True)
