"""`palmette run`: one job, or a pipeline of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from palmette.cli.connecting import suite
from palmette.cli.jobs import job_page
from palmette.cli.output import Json, err, show
from palmette.cli.pipelines import SUFFIXES, refuse_options, run_pipeline_file
from palmette.errors import InvalidRequest
from palmette.job import Job
from palmette.nested import parse_settings, unflatten
from palmette.progress import JobsDisplay, ProgressBars
from palmette.types import Resources


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME=REFERENCE", help="Any input; repeat it for another, or for a list."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of the method (dots reach inside), or a parameter of a pipeline; repeat it for another.",
    ),
]
Labels = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="For filtering; repeat it for another.")]


def run(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="A method such as random-pruning, or a pipeline.yaml.")],
    model: Annotated[str, typer.Option(help="Reference of the input 'model', such as zoo:resnet20.")] = "",
    data: Annotated[str, typer.Option(help="Reference of the input 'data', such as fashion-mnist.")] = "",
    inputs: Inputs = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every random draw.")] = None,
    label: Labels = None,
    priority: Annotated[int, typer.Option(help="Higher runs first.")] = 0,
    gpus: Annotated[int, typer.Option(min=0, help="Whole GPUs.")] = 0,
    cpu: Annotated[float, typer.Option(min=0, help="CPU cores; 0 is the service's default.")] = 0,
    check: Annotated[bool, typer.Option("--check", help="Only check; run nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Do not wait for the end.")] = False,
    json: Json = False,
) -> None:
    """Run a method, or a pipeline that goes on where it stopped.

    Such as: palmette run random-pruning --model zoo:resnet20 --data digits --set density=0.2

    Interrupting this leaves the job running; `palmette jobs cancel` stops it.
    """
    values = parse_settings(settings or (), "--set")
    if target.endswith(SUFFIXES):
        refuse_options(_given(ctx))
        run_pipeline_file(Path(target), values, check=check, json=json)
        return
    references = _inputs(inputs or (), model=model, data=data)
    work: dict[str, Any] = {"inputs": references, "config": unflatten(values), "seed": seed}
    labels = {name: str(value) for name, value in parse_settings(label or (), "--label").items()}
    with suite() as client:
        if check:
            checked = client.check(target, **work)
            show(checked, json, lambda: f"{checked.plugin}: nothing is wrong with it")
        else:
            resources = Resources(gpus=gpus, cpu=cpu)
            job = client.submit(target, **work, labels=labels, priority=priority, resources=resources)
            _follow(job, detach=detach, json=json)


def _follow(job: Job, *, detach: bool, json: bool) -> None:
    """Show a job at its end, or (`detach`) how to follow it."""
    if not json:
        err.print(f"[dim]{job.name}[/]")
    if not detach:
        job.wait(progress=JobsDisplay() if json else ProgressBars(err))
    show(job.info, json, lambda: job_page(job.info) if not detach else f"follow it with: palmette jobs watch {job.id}")


def _given(ctx: typer.Context) -> list[str]:
    """Return the options that the command line names."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = [name for name, source in sources.items() if source and source.name == "COMMANDLINE"]
    return ["input" if name == "inputs" else name for name in given]


def _inputs(items: Sequence[str], **single: str) -> dict[str, list[str]]:
    """Return references by input name."""
    found: dict[str, list[str]] = {name: [text] for name, text in single.items() if text}
    for item in items:
        name, sign, text = item.partition("=")
        if not sign or not text:
            raise InvalidRequest.field("--input", f"'{item}' is not NAME=REFERENCE")
        found.setdefault(name, []).append(text)
    return found
