"""One deployment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self

from palmette.aio.connection import Connection
from palmette.errors import DeploymentFailed
from palmette.types import DeploymentInfo, DeploymentState, DeploymentStats, Failure
from palmette.views import DeploymentView
from palmette.wire.deployment import deployment_from, stats_from
from palmette_protos.serving.v1 import deployment_pb2

if TYPE_CHECKING:
    from palmette.aio.inference import Inference


class Deployment(DeploymentView):
    """A handle on a name that serves; see `palmette.aio.Client.deploy` and `palmette.aio.Client.deployment`."""

    def __init__(self, connection: Connection, inference: Inference, info: DeploymentInfo) -> None:
        self._connection = connection
        self._inference = inference
        self._info = info

    @property
    def info(self) -> DeploymentInfo:
        """Everything as last heard of; `refresh` asks again."""
        return self._info

    async def refresh(self) -> Self:
        """Ask for the deployment's present state."""
        self._info = await get_deployment(self._connection, self.name)
        return self

    async def watch(self, *, follow: bool = False) -> AsyncIterator[DeploymentInfo]:
        """Yield the deployment now and at every change, until its newest version is READY or FAILED (`follow`: on)."""

        def request() -> deployment_pb2.WatchDeploymentRequest:
            return deployment_pb2.WatchDeploymentRequest(name=self.name, follow=follow)

        async for response in self._connection.stream(self._connection.deployments.WatchDeployment, request):
            self._info = deployment_from(response.deployment)
            yield self._info

    async def wait(self, *, timeout_s: float | None = None) -> Self:
        """Wait until the newest version serves.

        Raises:
            DeploymentFailed: It does not serve; the error says why. The version before it goes on serving.
            TimeoutError: It took longer than `timeout_s`.
        """
        async with asyncio.timeout(timeout_s):
            while not self.state.settled:
                async for _ in self.watch():
                    pass
        if self.state is DeploymentState.FAILED:
            newest = self.info.versions[0] if self.info.versions else None
            cause = newest.failure if newest else None
            raise DeploymentFailed(self.info, cause or Failure("the service does not say why"))
        self._inference.forget(self.id)
        return self

    async def infer(self, inputs: Any) -> Any:
        """Run inference; see `palmette.aio.Client.infer`."""
        return await self._inference.infer(self.id, inputs)

    async def rollback(self, version: int = 0) -> Self:
        """Serve an older version again: `version`, or the newest that was ready before the present one."""
        request = deployment_pb2.RollbackDeploymentRequest(name=self.name, version=version)
        call = self._connection.call
        response = await call(self._connection.deployments.RollbackDeployment, request, repeatable=False)
        self._info = deployment_from(response.deployment)
        self._inference.forget(self.id)
        return self

    async def delete(self) -> None:
        """Drain and unload the model and remove the deployment. The artifact stays."""
        request = deployment_pb2.DeleteDeploymentRequest(name=self.name)
        call = self._connection.call
        await call(self._connection.deployments.DeleteDeployment, request, repeatable=False, timeout_s=120)
        self._inference.forget(self.id)

    async def stats(self) -> DeploymentStats:
        """Return the inference server's figures for the version that serves."""
        request = deployment_pb2.GetDeploymentStatsRequest(name=self.name)
        response = await self._connection.call(self._connection.deployments.GetDeploymentStats, request)
        return stats_from(response.stats)


async def get_deployment(connection: Connection, name: str) -> DeploymentInfo:
    """Return a deployment by its full name."""
    request = deployment_pb2.GetDeploymentRequest(name=name)
    response = await connection.call(connection.deployments.GetDeployment, request)
    return deployment_from(response.deployment)
