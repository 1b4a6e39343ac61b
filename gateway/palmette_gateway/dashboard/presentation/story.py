"""The life of a job as a row of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from palmette.types import JobInfo, JobState, StateChanged


@dataclass(frozen=True)
class Step:
    """A state that the job was in: since when, until when (None: still), in which attempt, and why it came to it."""

    state: JobState
    start: datetime
    end: datetime | None
    attempt: int
    reason: str = ""


def story(job: JobInfo, changes: Sequence[StateChanged] = ()) -> list[Step]:
    """Return the steps from the recorded changes, or while there are none from what the job itself tells."""
    moments = [(change.state, change.time, change.attempt, change.reason) for change in changes] or _outline(job)
    steps = []
    for index, (state, start, attempt, reason) in enumerate(moments):
        following = moments[index + 1][1] if index + 1 < len(moments) else None
        steps.append(Step(state, start, following, attempt, reason))
    return steps


def _outline(job: JobInfo) -> list[tuple[JobState, datetime, int, str]]:
    moments: list[tuple[JobState, datetime, int, str]] = []
    if job.create_time:
        moments.append((JobState.QUEUED, job.create_time, 0, ""))
    if job.start_time and job.state is not JobState.QUEUED:
        moments.append((JobState.RUNNING, job.start_time, job.attempt, ""))
    if job.end_time and job.state.ended:
        moments.append((job.state, job.end_time, job.attempt, job.failure.cause if job.failure else ""))
    return moments
