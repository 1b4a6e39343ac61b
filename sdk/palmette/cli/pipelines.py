"""`palmette run pipeline.yaml`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from palmette import aio
from palmette.cli.exit_codes import ExitCode
from palmette.cli.formatting import state_text
from palmette.cli.output import err, json_line, out, show, table
from palmette.errors import FieldViolation, InvalidRequest
from palmette.pipelines import Pipeline, StepOutcome, check_pipeline, load_pipeline, run_pipeline
from palmette.progress import JobsDisplay, ProgressBars
from palmette.types import JobState

SUFFIXES = (".yaml", ".yml")
# What a pipeline takes from the command line; the rest each step says for itself.
TAKES = frozenset({"target", "settings", "check", "json"})


def refuse_options(given: Iterable[str]) -> None:
    """Raise `InvalidRequest` for options that only a single job takes, rather than to leave them out."""
    without = "a pipeline is driven by this command; interrupt it, and the same command goes on where it stopped"
    said = {"detach": without}
    violations = [
        FieldViolation(f"--{name}", said.get(name, "is for a single method; a pipeline's file says it for each step"))
        for name in given
        if name not in TAKES
    ]
    if violations:
        raise InvalidRequest.of(violations)


def run_pipeline_file(path: Path, parameters: dict[str, Any], *, check: bool, json: bool) -> None:
    """Check a pipeline's steps and, unless only that is wanted, run them; exit with 1 if one fails."""
    pipeline = load_pipeline(path, parameters)
    outcomes = asyncio.run(_drive(pipeline, None if check else JobsDisplay() if json else ProgressBars(err)))
    if outcomes is None:
        result = {"pipeline": pipeline.name, "steps": list(pipeline.steps)}
        show(result, json, lambda: f"{pipeline.name}: nothing is wrong with {', '.join(pipeline.steps)}")
        return
    if json:
        json_line({"pipeline": pipeline.name, "steps": outcomes})
    else:
        columns = ["STEP", "STATE", "RESOURCE", "OUTPUTS"]
        out.print(table(columns, [_row(outcome) for outcome in outcomes], empty="no steps"))
        for outcome in outcomes:
            if outcome.error:
                err.print(f"[red]{outcome.name}[/]: {escape(outcome.error)}", soft_wrap=True)
    if any(outcome.state != JobState.SUCCEEDED for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILED)


async def _drive(pipeline: Pipeline, display: JobsDisplay | None) -> list[StepOutcome] | None:
    """Check the pipeline and, with a display, run it: a mistake in its last step shows before the first has run."""
    async with aio.Client() as client:
        await check_pipeline(client, pipeline)
        return await run_pipeline(client, pipeline, display) if display else None


def _row(outcome: StepOutcome) -> tuple[str, ...]:
    outputs = "  ".join(f"{name}={' '.join(n[:22] for n in names)}" for name, names in outcome.outputs.items())
    again = " [dim](from before)[/]" if outcome.reused else ""
    return outcome.name, state_text(outcome.state) + again, outcome.resource or "-", outputs
