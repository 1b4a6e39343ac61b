"""Live progress bars of jobs on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import BarColumn, Task, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from palmette.headline import headline_metrics
from palmette.types import JobEvent, JobInfo, JobState, MetricReported, Progress, ProgressMade, StateChanged

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = {
    JobState.SUCCEEDED: "[green]done[/]",
    JobState.FAILED: "[red]failed[/]",
    JobState.CANCELLED: "[yellow]cancelled[/]",
}


class JobsDisplay:
    """Shows nothing; the base that `wait` reports to. `JobsDisplay.of` chooses."""

    @staticmethod
    def of(progress: bool | JobsDisplay) -> JobsDisplay:
        """Return the display itself, bars for True, and nothing for False."""
        if isinstance(progress, JobsDisplay):
            return progress
        return ProgressBars() if progress else JobsDisplay()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def add(self, job: JobInfo, title: str = "") -> None:
        """Show a job from now on."""

    def apply(self, name: str, event: JobEvent) -> None:
        """Take in an event of the job called `name`."""

    def finish(self, job: JobInfo) -> None:
        """Show a job's end."""


class ProgressBars(JobsDisplay):
    """One bar a job, with what it is doing and its latest metric; jobs may run at the same time."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars: Bars = Bars(
            TextColumn("[bold]{task.fields[title]}"),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._depth = 0

    def __enter__(self) -> Self:
        if self._depth == 0:
            self._bars.start()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._bars.stop()

    def add(self, job: JobInfo, title: str = "") -> None:
        """Show a job from now on, under a title of its own if given."""
        if job.name in self._tasks:
            return
        self._tasks[job.name] = self._bars.add_task(
            "",
            total=1.0,
            start=job.state is not JobState.QUEUED,  # the time in the queue is not the job's
            title=title or job.plugin,
            metrics=dict(job.metrics),
            message=job.waiting_reason if job.state is JobState.QUEUED else job.progress.message,
        )
        self._bars.update(self._tasks[job.name], completed=job.progress.fraction)
        self._describe(job.name)

    def apply(self, name: str, event: JobEvent) -> None:
        """Take in an event."""
        match event:
            case ProgressMade():
                self._move(name, event.progress)
            case MetricReported():
                metrics = self._task(name).fields["metrics"]
                metrics[event.name] = event.value
                self._describe(name)
            case StateChanged(state=JobState.RUNNING):
                self._bars.start_task(self._tasks[name])
                self._bars.update(self._tasks[name], message="starting")
                self._describe(name)
            case StateChanged(state=JobState.QUEUED):
                self._bars.update(self._tasks[name], message=event.reason or "queued")
                self._describe(name)

    def finish(self, job: JobInfo) -> None:
        """Show a job's end and keep its bar."""
        task = self._tasks[job.name]
        done = 1.0 if job.state is JobState.SUCCEEDED else None
        result = job.failure.cause if job.failure else _text(job.metrics)
        self._bars.update(task, completed=done, description=f"{_MARKS[job.state]} {escape(result)}")
        self._bars.stop_task(task)

    def _move(self, name: str, progress: Progress) -> None:
        self._bars.update(self._tasks[name], completed=progress.fraction, message=progress.message)
        self._describe(name)

    def _describe(self, name: str) -> None:
        task = self._task(name)
        parts = [task.fields["message"], _text(task.fields["metrics"])]
        self._bars.update(task.id, description=escape("  ".join(part for part in parts if part)))

    def _task(self, name: str) -> Task:
        return self._bars.tasks[self._bars.task_ids.index(self._tasks[name])]


def _text(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in headline_metrics(metrics, most=1).items())
