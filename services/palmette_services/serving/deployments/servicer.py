"""``palmette.serving.v1.DeploymentService``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import FailedPrecondition, Unavailable
from palmette_protos.serving.v1 import deployment_pb2, deployment_pb2_grpc
from palmette_services.runtime.jobs.feed import JobFeed
from palmette_services.serving.deployments.conditions import Conditions
from palmette_services.serving.deployments.export import Exports
from palmette_services.serving.deployments.messages import deployment_message
from palmette_services.serving.deployments.reconciler import Reconciler
from palmette_services.serving.deployments.requests import parse_creation, parse_deployment_name
from palmette_services.serving.deployments.rollback import rollback_version
from palmette_services.serving.deployments.states import Deployment, VersionState
from palmette_services.serving.deployments.statistics import DeploymentStatistics
from palmette_services.serving.deployments.store import DeploymentStore, NewVersion
from palmette_services.serving.paging import decode_token, encode_token, page_size

_POLL_S = 1.0
_DRAIN_S = 90.0
_ENDED = (deployment_pb2.DEPLOYMENT_STATE_READY, deployment_pb2.DEPLOYMENT_STATE_FAILED)


class DeploymentServicer(deployment_pb2_grpc.DeploymentServiceServicer):
    """Stores what is asked for and wakes the reconciler, which does it."""

    def __init__(
        self,
        deployments: DeploymentStore,
        artifacts: ArtifactStore,
        exports: Exports,
        reconciler: Reconciler,
        conditions: Conditions,
        statistics: DeploymentStatistics,
        feed: JobFeed,
    ) -> None:
        self._deployments = deployments
        self._artifacts = artifacts
        self._exports = exports
        self._reconciler = reconciler
        self._conditions = conditions
        self._statistics = statistics
        self._feed = feed

    async def CreateDeployment(
        self, request: deployment_pb2.CreateDeploymentRequest, context: Any
    ) -> deployment_pb2.CreateDeploymentResponse:
        """Serve an artifact, or roll to it; asking for what is there already changes nothing."""
        new = await asyncio.to_thread(parse_creation, request, self._artifacts)
        existing = await self._deployments.find(new.deployment_id)
        if existing is not None and existing.deleting:
            raise FailedPrecondition(f"deployment '{existing.id}' is being deleted; try again in a moment")
        if existing is None or not _asks_for_the_same(existing, new):
            if not new.servable:
                await self._exports.check(new)
            existing = await self._deployments.add_version(new)
            self._changed(existing.id)
        return deployment_pb2.CreateDeploymentResponse(deployment=self._message(existing))

    async def GetDeployment(
        self, request: deployment_pb2.GetDeploymentRequest, context: Any
    ) -> deployment_pb2.GetDeploymentResponse:
        """Return a deployment."""
        return deployment_pb2.GetDeploymentResponse(deployment=self._message(await self._get(request.name)))

    async def ListDeployments(
        self, request: deployment_pb2.ListDeploymentsRequest, context: Any
    ) -> deployment_pb2.ListDeploymentsResponse:
        """Return a page of deployments by name."""
        size = page_size(request.page_size)
        after = decode_token(request.page_token, 1)
        found = await self._deployments.page(str(after[0]) if after else "", size + 1)
        return deployment_pb2.ListDeploymentsResponse(
            deployments=[self._message(item) for item in found[:size]],
            next_page_token=encode_token([found[size - 1].id]) if len(found) > size else "",
        )

    async def WatchDeployment(
        self, request: deployment_pb2.WatchDeploymentRequest, context: Any
    ) -> AsyncIterator[deployment_pb2.WatchDeploymentResponse]:
        """Stream a deployment at once and at every change."""
        identifier = (await self._get(request.name)).id
        last = None
        with self._feed.subscribe(identifier) as news:
            while True:
                news.clear()
                message = self._message(await self._deployments.get(identifier))
                if message != last:
                    yield deployment_pb2.WatchDeploymentResponse(deployment=message)
                    last = message
                if message.state in _ENDED and not request.follow:
                    return
                await news.wait(_POLL_S)

    async def RollbackDeployment(
        self, request: deployment_pb2.RollbackDeploymentRequest, context: Any
    ) -> deployment_pb2.RollbackDeploymentResponse:
        """Serve an older version again."""
        deployment = await self._get(request.name)
        await self._deployments.set_target(deployment.id, rollback_version(deployment, request.version))
        self._changed(deployment.id)
        message = self._message(await self._deployments.get(deployment.id))
        return deployment_pb2.RollbackDeploymentResponse(deployment=message)

    async def DeleteDeployment(
        self, request: deployment_pb2.DeleteDeploymentRequest, context: Any
    ) -> deployment_pb2.DeleteDeploymentResponse:
        """Drain, unload and remove; returns once it is gone."""
        identifier = (await self._get(request.name)).id
        with self._feed.subscribe(identifier) as news:
            await self._deployments.mark_deleting(identifier)
            self._changed(identifier)
            try:
                async with asyncio.timeout(_DRAIN_S):
                    while await self._deployments.find(identifier) is not None:
                        await news.wait(_POLL_S)
                        news.clear()
            except TimeoutError:
                problem = self._conditions.problem(identifier)
                why = problem.message if problem is not None else "its last requests have not ended"
                raise Unavailable(f"'{identifier}' is not removed yet: {why}; its removal goes on") from None
        return deployment_pb2.DeleteDeploymentResponse()

    async def GetDeploymentStats(
        self, request: deployment_pb2.GetDeploymentStatsRequest, context: Any
    ) -> deployment_pb2.GetDeploymentStatsResponse:
        """Return Triton's figures for the version that serves."""
        stats = await self._statistics.of(await self._get(request.name))
        return deployment_pb2.GetDeploymentStatsResponse(stats=stats)

    async def _get(self, name: str) -> Deployment:
        return await self._deployments.get(parse_deployment_name(name))

    def _message(self, deployment: Deployment) -> deployment_pb2.Deployment:
        return deployment_message(deployment, self._conditions.problem(deployment.id))

    def _changed(self, identifier: str) -> None:
        self._feed.publish(identifier)
        self._reconciler.wake()


def _asks_for_the_same(deployment: Deployment, new: NewVersion) -> bool:
    target = deployment.target
    return (
        target.state is not VersionState.FAILED
        and (target.artifact, target.runtime, target.atol, target.rtol)
        == (new.artifact, new.runtime, new.atol, new.rtol)
        and new.settings in (None, deployment.settings)
    )
