"""``python -m palmette.demo``: train, prune, find a ticket, grow, compare, deploy, ask over the network."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from palmette.demo.candidates import Sizes
from palmette.demo.story import Story
from palmette.errors import PalmetteError


def main() -> None:
    """Parse the command line and run the demo; exit with 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m palmette.demo", description=__doc__)
    defaults = Sizes()
    for field in fields(Sizes):
        default = getattr(defaults, field.name)
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default, help=f"default: {default}")
    parser.add_argument("--home", type=Path, help="home of the suite; PALMETTE_HOME by default")
    given = vars(parser.parse_args())
    home = given.pop("home")
    # Whoever reads a pipe or a log wants whole lines.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    try:
        Story(Sizes(**given), home, console).tell()
    except PalmetteError as error:
        console.print(f"[red]{escape(str(error))}[/]")
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("interrupted; jobs go on, `palmette jobs list` shows them")
        sys.exit(130)


if __name__ == "__main__":
    main()
