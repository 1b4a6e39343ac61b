"""What a pipeline file may say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from palmette.errors import FieldViolation, InvalidRequest
from palmette.pipelines.substitution import references_of
from palmette.types import Runtime

_NAME = r"^[a-z][a-z0-9-]{0,62}$"
StepName = Annotated[str, Field(pattern=_NAME)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StepResources(_Strict):
    """What a job step may use per node."""

    gpus: int = Field(0, ge=0)
    cpu: float = Field(0.0, ge=0)
    memory_bytes: int = Field(0, ge=0)
    nodes: int = Field(0, ge=0)


class JobStep(_Strict):
    """Runs a method."""

    plugin: str
    inputs: dict[str, str | list[str]] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    labels: dict[str, str] = Field(default_factory=dict)
    priority: int = 0
    resources: StepResources = StepResources()


class DeployStep(_Strict):
    """Serves an artifact under a name."""

    deploy: str = Field(pattern=_NAME)
    artifact: str
    runtime: Runtime = Runtime.AUTO
    max_batch_size: int = Field(0, ge=0)
    max_queue_delay_us: int = Field(0, ge=0)
    instances: int = Field(0, ge=0)


def _kind_of_step(value: Any) -> str:
    deploys = "deploy" in value if isinstance(value, Mapping) else isinstance(value, DeployStep)
    return "deploy" if deploys else "job"


Step = Annotated[Annotated[JobStep, Tag("job")] | Annotated[DeployStep, Tag("deploy")], Discriminator(_kind_of_step)]


class Pipeline(_Strict):
    """Named steps; a step runs when the steps that it takes outputs from are done."""

    name: str = Field(pattern=_NAME)
    parameters: dict[str, Any] = Field(default_factory=dict)
    steps: dict[StepName, Step] = Field(min_length=1)

    def needs(self, step: str) -> set[str]:
        """Return the steps whose outputs a step takes."""
        return {reference[1] for reference in references_of(self.steps[step].model_dump()) if reference[0] == "steps"}


def load_pipeline(path: Path, parameters: Mapping[str, Any] | None = None) -> Pipeline:
    """Read a pipeline file, its parameters replaced by those given.

    Raises:
        InvalidRequest: It cannot be read, or something in it is wrong; every violation is listed.
    """
    try:
        content = yaml.safe_load(path.read_text())
        pipeline = Pipeline.model_validate(content)
    except OSError as error:
        raise InvalidRequest.field(str(path), error.strerror or str(error)) from None
    except yaml.YAMLError as error:
        raise InvalidRequest.field(str(path), f"is not YAML: {error}") from None
    except ValidationError as error:
        raise InvalidRequest.of(
            FieldViolation(_place(item["loc"]) or str(path), item["msg"]) for item in error.errors(include_url=False)
        ) from None
    unknown = set(parameters or {}) - set(pipeline.parameters)
    violations = [FieldViolation(f"parameters.{name}", _unknown(pipeline.parameters)) for name in sorted(unknown)]
    violations += _reference_violations(pipeline)
    if violations:
        raise InvalidRequest.of(violations)
    return pipeline.model_copy(update={"parameters": {**pipeline.parameters, **(parameters or {})}})


def _place(location: tuple[int | str, ...]) -> str:
    """Return where something stands in the file; pydantic's names of the two kinds of steps stand nowhere in it."""
    return ".".join(str(part) for at, part in enumerate(location) if at != 2 or part not in ("job", "deploy"))


def _unknown(known: Mapping[str, Any]) -> str:
    return f"is no parameter of this pipeline; it has: {', '.join(known) or 'none'}"


def _reference_violations(pipeline: Pipeline) -> list[FieldViolation]:
    found = []
    for name, step in pipeline.steps.items():
        for reference in references_of(step.model_dump()):
            where, text = f"steps.{name}", "${" + ".".join(reference) + "}"
            if reference[0] == "parameters" and len(reference) == 2:
                if reference[1] not in pipeline.parameters:
                    found.append(FieldViolation(where, f"{text}: {_unknown(pipeline.parameters)}"))
            elif reference[0] == "steps" and len(reference) == 4 and reference[2] == "outputs":
                target = pipeline.steps.get(reference[1])
                if not isinstance(target, JobStep):
                    jobs = [other for other, each in pipeline.steps.items() if isinstance(each, JobStep)]
                    found.append(FieldViolation(where, f"{text}: no such job step; there is {', '.join(jobs)}"))
            else:
                wanted = "${steps.NAME.outputs.OUTPUT} or ${parameters.NAME}"
                found.append(FieldViolation(where, f"{text}: write {wanted}"))
    return found or _cycle_violations(pipeline)


def _cycle_violations(pipeline: Pipeline) -> list[FieldViolation]:
    waiting = {name: pipeline.needs(name) for name in pipeline.steps}
    while free := [name for name, needs in waiting.items() if not needs & waiting.keys()]:
        for name in free:
            del waiting[name]
    return [FieldViolation("steps", f"wait for each other: {', '.join(sorted(waiting))}")] if waiting else []
