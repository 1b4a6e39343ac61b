"""Numbers, times and states as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from palmette.headline import headline_metrics
from palmette.types import DeploymentState, HealthState, JobInfo, JobState

_STATE_STYLES: dict[str, str] = {
    JobState.QUEUED: "dim",
    JobState.RUNNING: "cyan",
    JobState.SUCCEEDED: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "yellow",
    DeploymentState.READY: "green",
    DeploymentState.EXPORTING: "cyan",
    DeploymentState.LOADING: "cyan",
    DeploymentState.DELETING: "yellow",
    DeploymentState.RETIRED: "dim",
    HealthState.HEALTHY: "green",
    HealthState.DEGRADED: "yellow",
    HealthState.UNHEALTHY: "red",
    "BROKEN": "red",
}


def state_text(state: str) -> str:
    """Return a state in its colour."""
    style = _STATE_STYLES.get(state)
    return f"[{style}]{state}[/]" if style else str(state)


def size_text(size_bytes: float) -> str:
    """Return ``12.3 MB``."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


def duration_text(seconds: float) -> str:
    """Return ``4.2s``, ``3m12s``, ``2h05m`` or ``3d4h``."""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours < 48 else f"{hours // 24}d{hours % 24}h"


def age_text(time: datetime | None) -> str:
    """Return how long ago something was."""
    return duration_text(max(0.0, (datetime.now(UTC) - time).total_seconds())) + " ago" if time else "-"


def run_time_text(job: JobInfo) -> str:
    """Return how long a job has run, or ran."""
    if job.start_time is None:
        return "-"
    return duration_text(max(0.0, ((job.end_time or datetime.now(UTC)) - job.start_time).total_seconds()))


def count_text(count: float) -> str:
    """Return ``1,234,567``."""
    return f"{count:,.0f}"


def short_count_text(count: float) -> str:
    """Return ``640``, ``42.5k`` or ``2.36M``: three digits that matter, where there is little room."""
    for unit in ("", "k", "M", "G", "T"):
        digits = f"{count:.0f}" if not unit or count >= 99.95 else f"{count:.1f}" if count >= 9.995 else f"{count:.2f}"
        if float(digits) < 1000 or unit == "T":
            return digits + unit
        count /= 1000
    raise AssertionError("unreachable")


def metrics_text(metrics: Mapping[str, float], most: int = 3) -> str:
    """Return the few metrics that matter most on one line."""
    return "  ".join(f"{name}={value:.4g}" for name, value in headline_metrics(metrics, most).items())
