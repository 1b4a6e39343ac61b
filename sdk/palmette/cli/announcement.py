"""What `palmette up` says once everything is healthy."""

from __future__ import annotations

import shlex
import sys

from rich.markup import escape

from palmette.cli.output import out
from palmette.endpoint import Endpoint
from palmette.home import Home
from palmette.launcher.state import SuiteState


def announce(endpoint: Endpoint, home: Home, state: SuiteState, *, detached: bool, other_home: bool) -> None:
    """Print where the suite is and how to log in; links stay on one line, whatever the terminal's width."""
    took = max((process.since_s for process in state.processes), default=state.started_s) - state.started_s
    out.print(f"[bold green]Palmette is up[/] after {took:.1f} s")
    facts = _facts(endpoint, home, detached=detached, other_home=other_home, on_screen=sys.stdout.isatty())
    for what, value in facts:
        out.print(f"  {what:<22} {escape(value)}", soft_wrap=True)


def _facts(
    endpoint: Endpoint, home: Home, *, detached: bool, other_home: bool, on_screen: bool
) -> list[tuple[str, str]]:
    """Return what to say; the token itself only to a screen, as what goes into a file or a pipe is kept."""
    command = f"PALMETTE_HOME={shlex.quote(str(home.root))} palmette" if other_home else "palmette"
    login = endpoint.login_url if on_screen else f"{command} auth login-link"
    return [
        ("gateway and dashboard", endpoint.url),
        ("log in to it with", login),
        ("token", str(home.token)),
        ("logs", str(home.logs)),
        ("stop it with", f"{command} down" if detached else "Ctrl-C"),
    ]
