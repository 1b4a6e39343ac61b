"""Checking a pipeline before anything of it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from palmette.aio import Client
from palmette.errors import FieldViolation, InvalidRequest, NotFound
from palmette.nested import unflatten
from palmette.pipelines.definition import JobStep, Pipeline
from palmette.pipelines.substitution import references_of, substitute


async def check_pipeline(client: Client, pipeline: Pipeline) -> None:
    """Check every job step as far as it can be before the steps that it waits for have run.

    Inputs and settings that come from other steps cannot be: they are checked when the step is submitted.

    Raises:
        InvalidRequest: Something is wrong; the violations of all steps are listed, as ``steps.{step}.{field}``.
    """
    steps = [(name, step) for name, step in pipeline.steps.items() if isinstance(step, JobStep)]
    found = await asyncio.gather(*(_violations(client, pipeline, step) for _, step in steps))
    violations = [
        FieldViolation(f"steps.{name}.{violation.field}", violation.description)
        for (name, _), wrong in zip(steps, found, strict=True)
        for violation in wrong
    ]
    if violations:
        raise InvalidRequest.of(violations)


async def _violations(client: Client, pipeline: Pipeline, step: JobStep) -> list[FieldViolation]:
    inputs, open_inputs = _known(step.inputs, pipeline)
    config, open_config = _known(step.config, pipeline)
    still_open = {f"inputs.{name}" for name in open_inputs} | {f"config.{name}" for name in open_config}
    try:
        await client.check(step.plugin, seed=step.seed, inputs=inputs, config=unflatten(config))
    except NotFound as error:
        return [FieldViolation("plugin", str(error))]
    except InvalidRequest as error:
        return [violation for violation in error.violations if violation.field not in still_open]
    return []


def _known(values: Mapping[str, Any], pipeline: Pipeline) -> tuple[dict[str, Any], set[str]]:
    """Return the values that need no other step, with parameters filled in, and the names of the others."""
    waiting = {
        name for name, value in values.items() if any(reference[0] == "steps" for reference in references_of(value))
    }
    known = {name: value for name, value in values.items() if name not in waiting}
    return substitute(known, lambda reference: pipeline.parameters[reference[1]]), waiting
