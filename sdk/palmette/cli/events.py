"""Events of a job as lines of text."""

from __future__ import annotations

from rich.markup import escape

from palmette.cli.formatting import duration_text, state_text
from palmette.types import (
    ArtifactCommitted,
    FigureShown,
    JobEvent,
    LogLine,
    MetricReported,
    ProgressMade,
    Severity,
    StateChanged,
)

_SEVERITY_STYLES = {Severity.DEBUG: "dim", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def event_text(event: JobEvent) -> str:
    """Return an event as one line."""
    return f"[dim]{event.time.astimezone():%H:%M:%S}[/] {_what(event)}"


def _what(event: JobEvent) -> str:
    match event:
        case StateChanged():
            return state_text(event.state) + (f" {escape(event.reason)}" if event.reason else "")
        case ProgressMade():
            eta = f", {duration_text(event.progress.eta.total_seconds())} left" if event.progress.eta else ""
            return f"{event.progress.fraction:.0%} {escape(event.progress.message)}{eta}"
        case MetricReported():
            step = f" at step {event.step}" if event.step is not None else ""
            return f"{escape(event.name)} = {event.value:.6g}{step}"
        case LogLine():
            style = _SEVERITY_STYLES.get(event.severity)
            return f"[{style}]{escape(event.text)}[/]" if style else escape(event.text)
        case FigureShown():
            return f"figure {escape(event.name)}"
        case ArtifactCommitted():
            return f"{event.kind} {event.artifact} ({event.output})"
        case _:
            return "something that this version of the SDK does not know"
