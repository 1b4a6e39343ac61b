"""Running a pipeline: every step as soon as what it needs is there, none twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from palmette.aio import Client, Deployment, Job
from palmette.errors import NotFound, PalmetteError
from palmette.nested import unflatten
from palmette.pipelines.definition import DeployStep, JobStep, Pipeline
from palmette.pipelines.substitution import Reference, substitute
from palmette.progress import JobsDisplay
from palmette.types import ArtifactName, DeploymentState, JobInfo, JobState, Resources


@dataclass(frozen=True)
class StepOutcome:
    """What became of a step.

    Attributes:
        name: The step.
        resource: The job or the deployment.
        state: ``SUCCEEDED``, ``FAILED``, ``CANCELLED``, or ``SKIPPED`` because something before it failed.
        outputs: Artifacts by output name.
        metrics: Last value of every metric.
        error: Why it failed.
        reused: It had been done by an earlier run.
    """

    name: str
    resource: str
    state: str
    outputs: Mapping[str, list[str]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    reused: bool = False


async def run_pipeline(client: Client, pipeline: Pipeline, display: JobsDisplay | None = None) -> list[StepOutcome]:
    """Run all steps and return what became of each, in the order of the file.

    What an earlier run of the same steps did is found again by its request id: a finished job is not run again, a
    running one is waited for, a failed or cancelled one is retried and resumes from its checkpoint. A step that
    changed is a new one. Interrupting this leaves the jobs running.
    """
    run = _Run(client, pipeline, display or JobsDisplay())
    with run.display:
        return await run.all_steps()


def request_id(pipeline: str, step: str, content: Mapping[str, Any]) -> str:
    """Return the id under which a step is submitted: equal for equal content, however often the pipeline is run."""
    text = json.dumps([pipeline, step, content], sort_keys=True, default=str)
    return f"pipeline-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


class _Run:
    def __init__(self, client: Client, pipeline: Pipeline, display: JobsDisplay) -> None:
        self.client = client
        self.pipeline = pipeline
        self.display = display
        self.outputs: dict[str, JobInfo] = {}
        self.tasks: dict[str, asyncio.Task[StepOutcome]] = {}

    async def all_steps(self) -> list[StepOutcome]:
        async with asyncio.TaskGroup() as group:
            for name in self._in_order():
                self.tasks[name] = group.create_task(self._step(name))
        return [self.tasks[name].result() for name in self.pipeline.steps]

    def _in_order(self) -> list[str]:
        """Return the steps so that each comes after what it needs."""
        ordered: list[str] = []
        while len(ordered) < len(self.pipeline.steps):
            ordered += [n for n in self.pipeline.steps if n not in ordered and self.pipeline.needs(n) <= set(ordered)]
        return ordered

    async def _step(self, name: str) -> StepOutcome:
        before = [await self.tasks[other] for other in sorted(self.pipeline.needs(name))]
        failed = [outcome.name for outcome in before if outcome.state != JobState.SUCCEEDED]
        if failed:
            return StepOutcome(name, "", "SKIPPED", error=f"needs {', '.join(failed)}")
        step = self.pipeline.steps[name]
        try:
            content = substitute(step.model_dump(mode="json"), self._resolve)
            if isinstance(step, DeployStep):
                return await self._deploy(name, DeployStep.model_validate(content))
            return await self._job(name, JobStep.model_validate(content))
        except PalmetteError as error:
            return StepOutcome(name, "", JobState.FAILED, error=str(error))

    async def _job(self, name: str, step: JobStep) -> StepOutcome:
        job = await self.client.submit(
            step.plugin,
            inputs=step.inputs,
            config=unflatten(step.config),
            seed=step.seed,
            labels=step.labels,
            priority=step.priority,
            resources=Resources(**step.resources.model_dump()),
            parent=self.pipeline.name,
            request_id=request_id(self.pipeline.name, name, step.model_dump(mode="json")),
        )
        reused = job.state is JobState.SUCCEEDED
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            await job.retry()
        self.display.add(job.info, name)
        error = await _wait(job, self.display)
        self.outputs[name] = job.info
        return StepOutcome(
            name, job.name, job.state, job.outputs.as_dict(), dict(job.metrics), error=error, reused=reused
        )

    async def _deploy(self, name: str, step: DeployStep) -> StepOutcome:
        artifact = ArtifactName.parse(step.artifact)
        served = await self._already_served(step.deploy, artifact)
        if served:
            return StepOutcome(name, served.name, JobState.SUCCEEDED, reused=True)
        deployment = await self.client.deploy(
            step.deploy,
            artifact,
            runtime=step.runtime,
            max_batch_size=step.max_batch_size,
            max_queue_delay_us=step.max_queue_delay_us,
            instances=step.instances,
        )
        return StepOutcome(name, deployment.name, JobState.SUCCEEDED)

    async def _already_served(self, name: str, artifact: ArtifactName) -> Deployment | None:
        try:
            deployment = await self.client.deployment(name)
        except NotFound:
            return None
        serving = deployment.serving
        ready = deployment.state is DeploymentState.READY and serving is not None and serving.artifact == artifact
        return deployment if ready else None

    def _resolve(self, reference: Reference) -> Any:
        if reference[0] == "parameters":
            return self.pipeline.parameters[reference[1]]
        job = self.outputs[reference[1]]
        try:
            names = job.outputs.all(reference[3])
        except KeyError as error:
            raise NotFound(f"step '{reference[1]}': {error.args[0]}") from None
        return names[0].reference if len(names) == 1 else [name.reference for name in names]


async def _wait(job: Job, display: JobsDisplay) -> str:
    """Wait for a job's end and return why it failed, or nothing."""
    try:
        await job.wait(progress=display)
    except PalmetteError as error:
        return str(error)
    return ""
