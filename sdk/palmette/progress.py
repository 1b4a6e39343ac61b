"""Live progress bars of jobs on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from palmette.types import JobEvent, JobInfo, JobState, MetricReported, Progress, ProgressMade, StateChanged

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

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
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

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
        task = self._bars.add_task(_waiting(job), total=1.0, title=title or job.plugin, metric="", message="")
        self._tasks[job.name] = task
        self._move(job.name, job.progress)

    def apply(self, name: str, event: JobEvent) -> None:
        """Take in an event."""
        match event:
            case ProgressMade():
                self._move(name, event.progress)
            case MetricReported():
                self._bars.update(self._tasks[name], metric=f"{event.name} {event.value:.4g}")
                self._describe(name)
            case StateChanged(state=JobState.QUEUED):
                self._bars.update(self._tasks[name], message="queued")
                self._describe(name)

    def finish(self, job: JobInfo) -> None:
        """Show a job's end and keep its bar."""
        task = self._tasks[job.name]
        done = 1.0 if job.state is JobState.SUCCEEDED else None
        cause = f" {job.failure.cause}" if job.failure else ""
        metric = self._bars.tasks[self._bars.task_ids.index(task)].fields["metric"]
        from rich.markup import escape

        self._bars.update(task, completed=done, description=f"{_MARKS[job.state]} {escape(cause or metric)}")
        self._bars.stop_task(task)

    def _move(self, name: str, progress: Progress) -> None:
        self._bars.update(self._tasks[name], completed=progress.fraction, message=progress.message)
        self._describe(name)

    def _describe(self, name: str) -> None:
        from rich.markup import escape

        task = self._bars.tasks[self._bars.task_ids.index(self._tasks[name])]
        parts = [task.fields["message"], task.fields["metric"]]
        self._bars.update(self._tasks[name], description=escape("  ".join(part for part in parts if part)))


def _waiting(job: JobInfo) -> str:
    return job.waiting_reason if job.state is JobState.QUEUED else job.progress.message
