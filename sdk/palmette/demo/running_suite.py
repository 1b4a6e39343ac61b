"""The suite that the demo uses: the one that runs, or a fresh one."""

from __future__ import annotations

from rich.console import Console
from rich.live import Live

from palmette.home import Home
from palmette.launcher.detached import start_detached
from palmette.launcher.lock import holder
from palmette.launcher.ports import PortTaken, check_free, free_ports
from palmette.launcher.suite import DEFAULT_PORT
from palmette.launcher.table import processes_table


def ensure_running(home: Home, console: Console, port: int = DEFAULT_PORT) -> bool:
    """Start the suite of `home` unless it runs, on another port if `port` is taken; return whether it was started."""
    if holder(home) is not None and home.endpoints.exists():
        console.print(f"using the suite that runs from {home.root}")
        return False
    try:
        check_free(port)
    except PortTaken as taken:
        (port,) = free_ports(1)
        console.print(f"port {taken.port} is taken{f' by {taken.owner}' if taken.owner else ''}: using {port}")
    console.print("starting the suite")
    with Live(console=console, refresh_per_second=8) as live:
        start_detached(home, port, lambda state: live.update(processes_table(state)))
    return True
