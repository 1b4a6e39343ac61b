"""The asynchronous client; the synchronous one in `palmette.client` drives it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from palmette.aio.artifacts import Artifacts
from palmette.aio.catalogue import Catalogue
from palmette.aio.connection import Connection
from palmette.aio.inference import Inference
from palmette.aio.job import Job
from palmette.aio.job_listing import find_job, list_jobs
from palmette.aio.model_calls import ModelCalls
from palmette.aio.pair_calls import PairCalls
from palmette.aio.serving_calls import ServingCalls
from palmette.aio.suite_calls import SuiteCalls
from palmette.aio.supernet_calls import SupernetCalls
from palmette.endpoint import find_endpoint
from palmette.progress import JobsDisplay
from palmette.submission import InputValue, split_values, submit_request
from palmette.types import JobInfo, Listing, Plugin, Resources
from palmette.wire.job import job_from
from palmette_protos.v1 import job_pb2


class Client(ServingCalls, SuiteCalls, ModelCalls, SupernetCalls, PairCalls):
    """A connection to a suite.

    Without arguments it finds the suite by ``PALMETTE_ENDPOINT`` and ``PALMETTE_TOKEN``, else the local one that
    `palmette up` started. Close it, or use it as a context manager.

    Args:
        endpoint: The gateway, ``host:port`` or ``http[s]://host:port``.
        token: Token to show; found as above when left out.
        home: Home of a local suite to use instead of ``PALMETTE_HOME``.
        timeout_s: Longest time of any single call (streams and waiting have none).

    Attributes:
        endpoint: The suite that it talks to.
        artifacts: Reads, stores and removes artifacts.

    Raises:
        SuiteNotRunning: Nothing says where a suite is.
        InvalidRequest: The address is not one.
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

    async def plugins(self, service: str = "") -> Listing[Plugin]:
        """Return the installed methods of all services, or of one; BROKEN ones say why.

        Of all services, those that do not answer in time are named in the listing's `unreachable`, with the reason:
        their methods are missing from it.

        Raises:
            NotFound: There is no such service.
            Unavailable: The one service asked for does not answer.
        """
        return await self._catalogue.list(service)

    async def plugin(self, name: str) -> Plugin:
        """Return a method by name, such as ``random-pruning`` or ``pruning_growth/random-pruning``.

        Raises:
            NotFound: There is none; the message has the nearest names and the services that could not be asked.
            InvalidRequest: Several services have one of that name.
        """
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
        """Return a job by name (``services/{service}/jobs/{id}``), or by the beginning of its id if that is unique.

        Raises:
            NotFound: There is none.
            InvalidRequest: It is no name, or the ids of several jobs start with it.
        """
        return Job(self._connection, await find_job(self._connection, name))

    async def jobs(
        self, filter: str = "", *, service: str = "", order_by: str = "", limit: int | None = 100
    ) -> Listing[Job]:
        """Return jobs of all services or of one, newest first unless ordered otherwise.

        `filter` joins conditions by AND: ``state=RUNNING``, ``plugin=random-pruning``, ``labels.team=vision``; a
        comma in a value means any of them. `order_by` is ``create_time``, ``end_time`` or ``priority``, with
        `` desc`` to turn it round. `limit` None returns all. Services that do not answer in time are named in the
        listing's `unreachable`, with the reason: their jobs are missing from it.

        Raises:
            InvalidRequest: The filter or the order is wrong.
            NotFound: There is no such service.
        """
        request = job_pb2.ListJobsRequest(filter=filter, order_by=order_by)
        found = await list_jobs(self._connection, request, service, limit)
        return Listing((Job(self._connection, info) for info in found), found.unreachable, found.total)

    async def wait(
        self, jobs: Sequence[Job], *, progress: bool | JobsDisplay = False, timeout_s: float | None = None
    ) -> None:
        """Wait for several jobs at once, with a progress bar each if wanted.

        Raises:
            JobFailed: One failed; raised when all have ended.
            JobCancelled: One was cancelled; raised when all have ended.
            TimeoutError: They did not end within `timeout_s`; they go on.
        """
        display = JobsDisplay.of(progress)
        async with asyncio.timeout(timeout_s):
            with display:
                outcomes = await asyncio.gather(*(job.wait(progress=display) for job in jobs), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
