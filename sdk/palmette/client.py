"""The synchronous client: `palmette.aio.Client` on an event loop of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from palmette import aio
from palmette.artifacts import Artifacts
from palmette.bridge import (
    Bridged,
    blocking,
    blocking_handle,
    blocking_handles,
    blocking_listing,
    documented_as,
    iterating,
)
from palmette.deployment import Deployment
from palmette.endpoint import Endpoint
from palmette.job import Job
from palmette.loop_thread import LoopThread
from palmette.progress import JobsDisplay


class Client(Bridged[aio.Client]):
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
        async def connect() -> aio.Client:
            return aio.Client(endpoint, token, home=home, timeout_s=timeout_s)

        loop = LoopThread.acquire()
        try:
            core = loop.run(connect())
        except BaseException:
            loop.release()
            raise
        super().__init__(core, loop)
        self._closed = False
        self.artifacts = Artifacts(core.artifacts, loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @documented_as(aio.Client.close)
    def close(self) -> None:
        # With the last client the loop stops and its thread ends.
        if self._closed:
            return
        self._closed = True
        try:
            self._loop.run(self._core.close())
        finally:
            self._loop.release()

    @property
    def endpoint(self) -> Endpoint:
        """The suite that it talks to."""
        return self._core.endpoint

    plugins = blocking(aio.Client.plugins)
    plugin = blocking(aio.Client.plugin)

    submit = blocking_handle(aio.Client.submit, Job)
    check = blocking(aio.Client.check)
    job = blocking_handle(aio.Client.job, Job)
    jobs = blocking_listing(aio.Client.jobs, Job)

    deploy = blocking_handle(aio.Client.deploy, Deployment)
    deployment = blocking_handle(aio.Client.deployment, Deployment)
    deployments = blocking_handles(aio.Client.deployments, Deployment)
    infer = blocking(aio.Client.infer)

    health = blocking(aio.Client.health)
    watch_health = iterating(aio.Client.watch_health)
    identity = blocking(aio.Client.identity)
    issue_token = blocking(aio.Client.issue_token)

    inspect_model = blocking(aio.Client.inspect_model)
    plan_sparsity = blocking(aio.Client.plan_sparsity)
    compare_representations = blocking(aio.Client.compare_representations)
    specialize = blocking(aio.Client.specialize)
    estimate_architecture = blocking(aio.Client.estimate_architecture)
    score_pairs = iterating(aio.Client.score_pairs)

    @documented_as(aio.Client.wait)
    def wait(
        self, jobs: Sequence[Job], *, progress: bool | JobsDisplay = False, timeout_s: float | None = None
    ) -> None:
        cores = [job._core for job in jobs]
        self._loop.run(self._core.wait(cores, progress=progress, timeout_s=timeout_s))
