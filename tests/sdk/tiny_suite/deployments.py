"""Deployments in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from google.rpc import code_pb2, status_pb2

from palmette_protos.serving.v1 import deployment_pb2, deployment_pb2_grpc


class TinyDeployments(deployment_pb2_grpc.DeploymentServiceServicer):
    """Every deployment is ready after one step; with `refuse` set, the newest version fails instead."""

    def __init__(self) -> None:
        self.deployments: dict[str, deployment_pb2.Deployment] = {}
        self.refuse = ""

    def CreateDeployment(self, request: Any, context: Any) -> deployment_pb2.CreateDeploymentResponse:
        name = f"deployments/{request.deployment_id}"
        deployment = self.deployments.setdefault(name, deployment_pb2.Deployment(name=name))
        version = deployment_pb2.DeploymentVersion(
            version=len(deployment.versions) + 1,
            artifact=request.artifact,
            runtime=request.runtime,
            state=deployment_pb2.DEPLOYMENT_STATE_EXPORTING,
        )
        deployment.versions.insert(0, version)
        deployment.state = version.state
        return deployment_pb2.CreateDeploymentResponse(deployment=deployment)

    def GetDeployment(self, request: Any, context: Any) -> deployment_pb2.GetDeploymentResponse:
        if request.name not in self.deployments:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no deployment named '{request.name}'")
        return deployment_pb2.GetDeploymentResponse(deployment=self.deployments[request.name])

    def WatchDeployment(self, request: Any, context: Any) -> Iterator[deployment_pb2.WatchDeploymentResponse]:
        deployment = self.deployments[request.name]
        yield deployment_pb2.WatchDeploymentResponse(deployment=deployment)
        newest = deployment.versions[0]
        if self.refuse:
            newest.state = deployment_pb2.DEPLOYMENT_STATE_FAILED
            newest.error.CopyFrom(status_pb2.Status(code=code_pb2.FAILED_PRECONDITION, message=self.refuse))
        else:
            newest.state = deployment_pb2.DEPLOYMENT_STATE_READY
            deployment.serving_version = newest.version
        deployment.state = newest.state
        yield deployment_pb2.WatchDeploymentResponse(deployment=deployment)

    def RollbackDeployment(self, request: Any, context: Any) -> deployment_pb2.RollbackDeploymentResponse:
        deployment = self.deployments[request.name]
        deployment.serving_version = request.version or deployment.serving_version - 1
        return deployment_pb2.RollbackDeploymentResponse(deployment=deployment)
