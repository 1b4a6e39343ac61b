"""`palmette jobs`: what runs and what ran."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape

from palmette.cli.connecting import suite
from palmette.cli.events import event_text
from palmette.cli.exit_codes import ExitCode
from palmette.cli.formatting import age_text, metrics_text, run_time_text, state_text
from palmette.cli.json_values import dumps
from palmette.cli.missing import tell_missing
from palmette.cli.output import Json, err, json_line, out, show, table
from palmette.nested import flatten
from palmette.types import JobInfo, JobState, LogLine

app = typer.Typer(help="Jobs: what runs and what ran.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="services/SERVICE/jobs/ID, or the beginning of the id.")]


@app.command("list")
def list_(
    filter: Annotated[str, typer.Option(help="Such as 'state=RUNNING,QUEUED AND plugin=random-pruning'.")] = "",
    service: Annotated[str, typer.Option(help="Only this service's.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 30,
    json: Json = False,
) -> None:
    """List jobs, newest first."""
    with suite() as client:
        found = client.jobs(filter, service=service, limit=limit)
        jobs = [job.info for job in found]
    columns = ["ID", "PLUGIN", "STATE", ">DONE", ">TIME", "CREATED", "METRICS"]
    result = {"jobs": jobs, "unreachable": found.unreachable, "total": found.total}
    show(result, json, lambda: table(columns, [_row(job) for job in jobs], empty="no jobs"))
    if not json:
        tell_missing(found, "jobs")


def _row(job: JobInfo) -> tuple[str, ...]:
    return (
        job.id,
        job.plugin,
        state_text(job.state),
        f"{job.progress.fraction:.0%}",
        run_time_text(job),
        age_text(job.create_time),
        escape(metrics_text(job.metrics, most=1)),
    )


@app.command("show")
def show_(name: Name, json: Json = False) -> None:
    """Show one job."""
    with suite() as client:
        job = client.job(name).info
    show(job, json, lambda: job_page(job))


@app.command()
def watch(
    name: Name, after: Annotated[int, typer.Option(min=0, help="Skip events up to this one.")] = 0, json: Json = False
) -> None:
    """Follow a job's events until it ends; with --json one event a line. Exit code 1 unless it succeeds."""
    with suite() as client:
        job = client.job(name)
        for event in job.watch(after):
            json_line(event) if json else out.print(event_text(event), soft_wrap=True)
    if job.state is not JobState.SUCCEEDED:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    json: Json = False,
) -> None:
    """Print a job's log."""
    with suite() as client:
        job = client.job(name)
        last, lines = job.info.last_sequence, 0
        for event in job.watch() if last or follow else ():
            if isinstance(event, LogLine):
                lines += 1
                json_line(event) if json else out.print(event_text(event), soft_wrap=True)
            if event.sequence >= last and not follow:
                break
    if not lines and not json:
        err.print("[dim]it has logged nothing; `palmette jobs watch` shows everything that it reports[/]")


@app.command()
def cancel(
    name: Name, reason: Annotated[str, typer.Option(help="Why, for the job's history.")] = "", json: Json = False
) -> None:
    """Ask a job to stop."""
    with suite() as client:
        job = client.job(name).cancel(reason).info
    show(job, json, lambda: f"{job.name} {'is stopping' if not job.state.ended else state_text(job.state)}")


@app.command()
def retry(name: Name, json: Json = False) -> None:
    """Queue a failed or cancelled job again; it resumes from its last checkpoint."""
    with suite() as client:
        job = client.job(name).retry().info
    show(job, json, lambda: f"{job.name} {state_text(job.state)}")


@app.command()
def delete(name: Name, json: Json = False) -> None:
    """Delete an ended job with its events and checkpoints. Its artifacts stay."""
    with suite() as client:
        job = client.job(name)
        job.delete()
    show({"deleted": job.name}, json, lambda: f"deleted {job.name}")


def job_page(job: JobInfo) -> RenderableType:
    """Return everything about a job."""
    lines: list[RenderableType] = [f"[bold]{job.name}[/]  {job.plugin}  {state_text(job.state)}"]
    if job.waiting_reason:
        lines.append(f"waits: {escape(job.waiting_reason)}")
    lines.append(
        f"{job.progress.fraction:.0%} {escape(job.progress.message)}   attempt {job.attempt}, "
        f"{run_time_text(job)}, submitted {age_text(job.create_time)}" + (f" by {job.user}" if job.user else "")
    )
    if job.failure:
        lines.append(f"[red]{escape(job.failure.exception_class)}[/] {escape(job.failure.cause)}")
        lines += [f"  [dim]| {escape(line)}[/]" for line in job.failure.log_tail]
    lines += [f"{name}: {' '.join(references)}" for name, references in job.inputs.items()]
    lines += [f"{output} -> {' '.join(names)}" for output, names in job.outputs.as_dict().items()]
    lines += [f"label: {escape(name)}={escape(value)}" for name, value in sorted(job.labels.items())]
    config = [(name, escape(_value_text(value))) for name, value in sorted(flatten(job.config).items())]
    metrics = [(name, f"{value:.6g}") for name, value in sorted(job.metrics.items())]
    lines += ["", table(["SETTING", "VALUE"], [*config, ("seed", job.seed)], empty="no settings")]
    lines += ["", table(["METRIC", ">VALUE"], metrics, empty="no metrics yet")]
    return Group(*lines)


def _value_text(value: object) -> str:
    """Return a setting as `--set` takes it."""
    return value if isinstance(value, str) else dumps(value, indent=None)
