"""The asynchronous client; the synchronous one in `palmette.client` drives it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from palmette.aio.artifacts import Artifacts, artifact_name
from palmette.aio.catalogue import Catalogue
from palmette.aio.connection import Connection
from palmette.aio.deployment import Deployment, get_deployment
from palmette.aio.inference import Inference
from palmette.aio.job import Job
from palmette.aio.job_listing import find_job, list_jobs
from palmette.endpoint import find_endpoint
from palmette.progress import JobsDisplay
from palmette.submission import InputValue, split_values, submit_request
from palmette.types import (
    Artifact,
    Health,
    Identity,
    JobInfo,
    ModelInspection,
    Plugin,
    Resources,
    Role,
    Runtime,
    SparsityPlan,
    Token,
)
from palmette.wire.deployment import deployment_from, runtime_number
from palmette.wire.job import job_from
from palmette.wire.scalars import struct_of, time_from
from palmette.wire.suite import health_from, identity_from, inspection_from, plan_from, role_number
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2
from palmette_protos.serving.v1 import deployment_pb2
from palmette_protos.v1 import job_pb2, suite_pb2, token_pb2


class Client:
    """A connection to a suite.

    Without arguments it finds the suite by ``PALMETTE_ENDPOINT`` and ``PALMETTE_TOKEN``, else the local one that
    `palmette up` started. Close it, or use it as a context manager.

    Args:
        endpoint: The gateway, ``host:port`` or ``http[s]://host:port``.
        token: Token to show; found as above when left out.
        home: Home of a local suite to use instead of ``PALMETTE_HOME``.
        timeout_s: Longest time of any single call (streams and waiting have none).

    Raises:
        SuiteNotRunning: Nothing says where a suite is.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        token: str | None = None,
        *,
        home: Path | str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        self.endpoint = find_endpoint(endpoint, token, home)
        self._connection = Connection(self.endpoint, timeout_s)
        self._catalogue = Catalogue(self._connection)
        self._inference = Inference(self._connection)
        self.artifacts = Artifacts(self._connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._inference.close()
        await self._connection.close()

    # Methods

    async def plugins(self, service: str = "") -> list[Plugin]:
        """Return the installed methods of all services, or of one; BROKEN ones say why."""
        return await self._catalogue.list(service)

    async def plugin(self, name: str) -> Plugin:
        """Return a method by name, such as ``random-pruning`` or ``pruning_growth/random-pruning``."""
        return await self._catalogue.find(name)

    # Jobs

    async def submit(
        self,
        plugin: str,
        /,
        *,
        seed: int | None = None,
        labels: Mapping[str, str] | None = None,
        priority: int = 0,
        resources: Resources | None = None,
        parent: str = "",
        request_id: str = "",
        inputs: Mapping[str, InputValue] | None = None,
        config: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Job:
        """Submit a job and return it; once this returns, the job runs to an end whatever crashes.

        `values` are the method's inputs and settings by name, told apart by its declaration; `inputs` and `config`
        take those whose names are taken here. The submission carries an id, so that a repetition after a broken
        connection (here, or by you with the same `request_id`) gives the same job.

        Raises:
            InvalidRequest: Something is wrong with it; `violations` lists everything.
            NotFound: There is no such method; the message has the nearest names.
        """
        info = await self._submit(
            plugin,
            inputs,
            config,
            values,
            seed=seed,
            labels=labels,
            priority=priority,
            resources=resources,
            parent=parent,
            request_id=request_id or str(uuid.uuid4()),
        )
        return Job(self._connection, info)

    async def check(
        self,
        plugin: str,
        /,
        *,
        seed: int | None = None,
        inputs: Mapping[str, InputValue] | None = None,
        config: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> JobInfo:
        """Check a submission without running it, and return the job as it would be stored. Raises like `submit`."""
        return await self._submit(plugin, inputs, config, values, seed=seed, request_id="", validate_only=True)

    async def _submit(
        self,
        name: str,
        inputs: Mapping[str, InputValue] | None,
        config: Mapping[str, Any] | None,
        values: Mapping[str, Any],
        **options: Any,
    ) -> JobInfo:
        plugin = await self._catalogue.find(name)
        references, settings = split_values(plugin, values, inputs, config)
        request = submit_request(plugin, references, settings, **options)
        response = await self._connection.call(self._connection.jobs.SubmitJob, request, service=plugin.service)
        return job_from(response.job)

    async def job(self, name: str) -> Job:
        """Return a job by name (``services/{service}/jobs/{id}``), or by the beginning of its id if that is unique."""
        return Job(self._connection, await find_job(self._connection, name))

    async def jobs(
        self, filter: str = "", *, service: str = "", order_by: str = "", limit: int | None = 100
    ) -> list[Job]:
        """Return jobs, newest first unless ordered otherwise.

        `filter` joins conditions by AND: ``state=RUNNING``, ``plugin=random-pruning``, ``labels.team=vision``; a
        comma in a value means any of them. `order_by` is ``create_time``, ``end_time`` or ``priority``, with
        `` desc`` to turn it round. `limit` None returns all.
        """
        request = job_pb2.ListJobsRequest(filter=filter, order_by=order_by)
        return [Job(self._connection, info) for info in await list_jobs(self._connection, request, service, limit)]

    async def wait(
        self, jobs: Sequence[Job], *, progress: bool | JobsDisplay = False, timeout_s: float | None = None
    ) -> None:
        """Wait for several jobs at once, with a progress bar each if wanted.

        Raises:
            JobFailed: One failed; raised when all have ended.
        """
        display = JobsDisplay.of(progress)
        async with asyncio.timeout(timeout_s):
            with display:
                outcomes = await asyncio.gather(*(job.wait(progress=display) for job in jobs), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    # Serving

    async def deploy(
        self,
        name: str,
        artifact: str | Artifact,
        *,
        runtime: Runtime | str = Runtime.AUTO,
        max_batch_size: int = 0,
        max_queue_delay_us: int = 0,
        instances: int = 0,
        atol: float = 0.0,
        rtol: float = 0.0,
        wait: bool = True,
    ) -> Deployment:
        """Serve an artifact under a name, or roll an existing deployment to it; zeros take the service's defaults.

        Raises:
            DeploymentFailed: (with `wait`) It does not serve; what served before goes on.
        """
        settings = deployment_pb2.ServingSettings(
            max_batch_size=max_batch_size, max_queue_delay_us=max_queue_delay_us, instances=instances
        )
        request = deployment_pb2.CreateDeploymentRequest(
            deployment_id=name.removeprefix("deployments/"),
            artifact=artifact_name(artifact),
            runtime=runtime_number(runtime),
            # Left out rather than empty: an existing deployment keeps its settings then.
            settings=settings if settings.ByteSize() else None,
            atol=atol,
            rtol=rtol,
        )
        call = self._connection.call
        response = await call(self._connection.deployments.CreateDeployment, request, repeatable=False)
        deployment = Deployment(self._connection, self._inference, deployment_from(response.deployment))
        return await deployment.wait() if wait else deployment

    async def deployment(self, name: str) -> Deployment:
        """Return a deployment by name."""
        full = f"deployments/{name.removeprefix('deployments/')}"
        return Deployment(self._connection, self._inference, await get_deployment(self._connection, full))

    async def deployments(self) -> list[Deployment]:
        """Return all deployments by name."""
        found: list[Deployment] = []
        token = ""
        while True:
            request = deployment_pb2.ListDeploymentsRequest(page_size=200, page_token=token)
            response = await self._connection.call(self._connection.deployments.ListDeployments, request)
            found += [Deployment(self._connection, self._inference, deployment_from(d)) for d in response.deployments]
            token = response.next_page_token
            if not token:
                return found

    async def infer(self, name: str, inputs: Any) -> Any:
        """Run a deployed model on an array, or on arrays by input name, and return its output, or outputs by name.

        NumPy in, NumPy out; torch in, torch out. A batch of any size is cut to what the model takes; one example
        without a batch dimension gives one output without it.

        Raises:
            InvalidRequest: Names, shapes or data types do not fit the model.
            NotFound: No such model is served.
        """
        return await self._inference.infer(name.removeprefix("deployments/"), inputs)

    # The suite

    async def health(self) -> Health:
        """Return the health of every part, with a reason for what is not healthy."""
        return health_from(await self._connection.call(self._connection.suite.GetHealth, suite_pb2.GetHealthRequest()))

    async def watch_health(self) -> AsyncIterator[Health]:
        """Yield the health now, at every change, and at least every 30 seconds."""
        watch = self._connection.suite.WatchHealth
        async for response in self._connection.stream(watch, suite_pb2.WatchHealthRequest):
            yield health_from(response.health)

    async def identity(self) -> Identity:
        """Return who the gateway takes the caller for."""
        request = token_pb2.GetIdentityRequest()
        return identity_from(await self._connection.call(self._connection.tokens.GetIdentity, request))

    async def issue_token(self, subject: str, role: Role | str, *, days: float | None = None) -> Token:
        """Issue a token (admins only) that is valid for `days`, 30 when left out."""
        request = token_pb2.IssueTokenRequest(subject=subject, role=role_number(role))
        if days is not None:
            request.lifetime.FromSeconds(round(days * 86_400))
        call = self._connection.call
        response = await call(self._connection.tokens.IssueToken, request, repeatable=False)
        return Token(response.token, time_from(response, "expire_time"))

    # Quick answers

    async def inspect_model(self, model: str | Artifact, *, data: str = "") -> ModelInspection:
        """Return a model's layers with shapes, parameters, MACs and densities; `data` fixes the input's shape."""
        request = pruning_growth_pb2.InspectModelRequest(model=_model_reference(model), data=data)
        call = self._connection.call
        return inspection_from(await call(self._connection.pruning_growth.InspectModel, request, timeout_s=120))

    async def plan_sparsity(
        self,
        model: str | Artifact,
        /,
        *,
        data: str = "",
        plugin: str = "",
        seed: int = 0,
        config: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> SparsityPlan:
        """Return the densities per layer that a method would use, without training."""
        request = pruning_growth_pb2.PlanSparsityRequest(
            model=_model_reference(model),
            data=data,
            plugin=plugin,
            seed=seed,
            config=struct_of({**(config or {}), **settings}, "config"),
        )
        call = self._connection.call
        return plan_from(await call(self._connection.pruning_growth.PlanSparsity, request, timeout_s=120))


def _model_reference(model: str | Artifact) -> str:
    if isinstance(model, Artifact) or model.startswith("artifacts/"):
        return artifact_name(model).reference
    return model
