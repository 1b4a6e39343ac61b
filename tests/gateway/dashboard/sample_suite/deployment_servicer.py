"""DeploymentService over a dictionary."""

from __future__ import annotations

import grpc

from palmette_protos.serving.v1 import deployment_pb2 as pb
from palmette_protos.serving.v1.deployment_pb2_grpc import DeploymentServiceServicer


class SampleDeployments(DeploymentServiceServicer):
    """Deployments and their figures by name."""

    def __init__(self) -> None:
        self.deployments: dict[str, pb.Deployment] = {}
        self.stats: dict[str, pb.DeploymentStats] = {}

    async def CreateDeployment(
        self, request: pb.CreateDeploymentRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateDeploymentResponse:
        name = f"deployments/{request.deployment_id}"
        deployment = self.deployments.setdefault(name, pb.Deployment(name=name))
        version = pb.DeploymentVersion(
            version=len(deployment.versions) + 1,
            artifact=request.artifact,
            state=pb.DEPLOYMENT_STATE_EXPORTING,
            runtime=request.runtime,
        )
        version.create_time.GetCurrentTime()
        versions = [version, *deployment.versions]
        del deployment.versions[:]
        deployment.versions.extend(versions)
        deployment.state = pb.DEPLOYMENT_STATE_EXPORTING
        deployment.settings.CopyFrom(request.settings)
        return pb.CreateDeploymentResponse(deployment=deployment)

    async def GetDeployment(
        self, request: pb.GetDeploymentRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetDeploymentResponse:
        return pb.GetDeploymentResponse(deployment=await self._find(request.name, context))

    async def ListDeployments(
        self, request: pb.ListDeploymentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListDeploymentsResponse:
        return pb.ListDeploymentsResponse(deployments=[self.deployments[name] for name in sorted(self.deployments)])

    async def RollbackDeployment(
        self, request: pb.RollbackDeploymentRequest, context: grpc.aio.ServicerContext
    ) -> pb.RollbackDeploymentResponse:
        deployment = await self._find(request.name, context)
        for version in deployment.versions:
            if version.version == request.version:
                version.state = pb.DEPLOYMENT_STATE_READY
            elif version.version == deployment.serving_version:
                version.state = pb.DEPLOYMENT_STATE_RETIRED
        deployment.serving_version = request.version
        return pb.RollbackDeploymentResponse(deployment=deployment)

    async def DeleteDeployment(
        self, request: pb.DeleteDeploymentRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteDeploymentResponse:
        await self._find(request.name, context)
        del self.deployments[request.name]
        return pb.DeleteDeploymentResponse()

    async def GetDeploymentStats(
        self, request: pb.GetDeploymentStatsRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetDeploymentStatsResponse:
        await self._find(request.name, context)
        return pb.GetDeploymentStatsResponse(stats=self.stats[request.name])

    async def _find(self, name: str, context: grpc.aio.ServicerContext) -> pb.Deployment:
        if name not in self.deployments:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no deployment named '{name}'")
        return self.deployments[name]
