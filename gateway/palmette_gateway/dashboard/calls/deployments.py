"""Models on the inference server."""

from __future__ import annotations

from palmette.types import DeploymentInfo, DeploymentStats
from palmette.wire.deployment import deployment_from, stats_from
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.calls.unary import ask
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_protos.serving.v1 import deployment_pb2 as pb

_WHO = "serving"
_MOST = 1000


async def list_deployments(suite: SuiteApi) -> tuple[DeploymentInfo, ...]:
    """Return the deployments, by name."""
    response = await ask(suite.deployments.ListDeployments, pb.ListDeploymentsRequest(page_size=_MOST), _WHO)
    return tuple(deployment_from(deployment) for deployment in response.deployments)


async def get_deployment(suite: SuiteApi, deployment_id: str) -> DeploymentInfo:
    """Return one deployment."""
    request = pb.GetDeploymentRequest(name=f"deployments/{deployment_id}")
    return deployment_from((await ask(suite.deployments.GetDeployment, request, _WHO)).deployment)


async def get_stats(suite: SuiteApi, name: str) -> DeploymentStats:
    """Return the inference server's figures for a deployment."""
    response = await ask(suite.deployments.GetDeploymentStats, pb.GetDeploymentStatsRequest(name=name), _WHO)
    return stats_from(response.stats)


async def create_deployment(suite: SuiteApi, request: pb.CreateDeploymentRequest, caller: Caller) -> DeploymentInfo:
    """Serve an artifact, or roll a deployment to a new version."""
    return deployment_from((await ask(suite.deployments.CreateDeployment, request, _WHO, caller, 30)).deployment)


async def roll_back(suite: SuiteApi, deployment_id: str, version: int, caller: Caller) -> None:
    """Serve an older version again."""
    request = pb.RollbackDeploymentRequest(name=f"deployments/{deployment_id}", version=version)
    # Loading and warming an old version takes its time.
    await ask(suite.deployments.RollbackDeployment, request, _WHO, caller, 120)


async def delete_deployment(suite: SuiteApi, deployment_id: str, caller: Caller) -> None:
    """Drain and unload the model; the artifact stays."""
    request = pb.DeleteDeploymentRequest(name=f"deployments/{deployment_id}")
    await ask(suite.deployments.DeleteDeployment, request, _WHO, caller, 60)
