"""The suite's processes as a table for a terminal."""

from __future__ import annotations

import time

from rich.console import RenderableType
from rich.spinner import Spinner
from rich.table import Table

from palmette.launcher.state import ProcessPhase, ProcessState, SuiteState

_STYLES = {
    ProcessPhase.WAITING: "dim",
    ProcessPhase.STARTING: "yellow",
    ProcessPhase.READY: "green",
    ProcessPhase.CRASHED: "red",
    ProcessPhase.STOPPING: "yellow",
    ProcessPhase.STOPPED: "dim",
}


def processes_table(state: SuiteState) -> Table:
    """Return one row a process: what it is doing and for how long."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for process in state.processes:
        table.add_row(_mark(process), process.name, _since(state, process), f"[dim]{process.detail}[/]")
    return table


def _mark(process: ProcessState) -> RenderableType:
    style = _STYLES[process.phase]
    if process.phase in (ProcessPhase.STARTING, ProcessPhase.STOPPING):
        return Spinner("dots", text=f"[{style}]{process.phase}[/]")
    sign = {"ready": "✓", "crashed": "✗"}.get(process.phase, "·")
    return f"[{style}]{sign} {process.phase}[/]"


def _since(state: SuiteState, process: ProcessState) -> str:
    """Return how long the process took to become ready, or how long it has been in its phase."""
    if process.phase is ProcessPhase.READY:
        return f"after {process.since_s - state.started_s:.1f} s"
    return f"{time.time() - process.since_s:.1f} s"
