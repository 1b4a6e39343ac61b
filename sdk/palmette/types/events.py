"""What happens to a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from palmette.types.artifact import ArtifactName
from palmette.types.job import JobState, Progress


class Severity(StrEnum):
    """How much a log line matters."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True)
class JobEvent:
    """Something that happened to a job: its position in the job's history (1, 2, 3, ...), when, in which attempt."""

    sequence: int
    time: datetime
    attempt: int


@dataclass(frozen=True)
class StateChanged(JobEvent):
    """The job changed its state; `reason` says why, for a person."""

    state: JobState
    reason: str = ""


@dataclass(frozen=True)
class ProgressMade(JobEvent):
    """The job moved on."""

    progress: Progress


@dataclass(frozen=True)
class MetricReported(JobEvent):
    """A measurement; `step` is None for a result of the whole job."""

    name: str
    value: float
    step: int | None = None


@dataclass(frozen=True)
class LogLine(JobEvent):
    """A line of the job's log."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class FigureShown(JobEvent):
    """A Vega-Lite figure; a later one of the same name replaces it."""

    name: str
    vega_lite: dict[str, Any]


@dataclass(frozen=True)
class ArtifactCommitted(JobEvent):
    """An artifact was committed."""

    output: str
    artifact: ArtifactName
    kind: str
