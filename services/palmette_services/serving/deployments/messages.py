"""From stored deployments to ``palmette.serving.v1.Deployment``: the one place that converts."""

from __future__ import annotations

from google.rpc import status_pb2

from palmette_protos.serving.v1 import deployment_pb2
from palmette_services.runtime.clock import timestamp
from palmette_services.serving.artifacts.names import artifact_name
from palmette_services.serving.deployments.states import Deployment, Version, VersionState


def deployment_message(deployment: Deployment, problem: status_pb2.Status | None) -> deployment_pb2.Deployment:
    """Return the message.

    Args:
        deployment: As stored.
        problem: Why Triton does not serve it right now, or None. A version that was READY then shows as LOADING
            with this as its error: it comes back by itself.
    """
    versions = [_version(deployment, version, problem) for version in deployment.versions]
    target = next(item for item in versions if item.version == deployment.target_version)
    return deployment_pb2.Deployment(
        name=f"deployments/{deployment.id}",
        serving_version=deployment.serving_version,
        state=target.state,
        versions=versions,
        create_time=timestamp(deployment.create_time_us),
        settings=deployment.settings,
    )


def _version(
    deployment: Deployment, version: Version, problem: status_pb2.Status | None
) -> deployment_pb2.DeploymentVersion:
    message = deployment_pb2.DeploymentVersion()
    message.CopyFrom(version.served)
    message.version = version.number
    message.artifact = artifact_name(version.artifact)
    message.state = _state(deployment, version, problem)
    message.export_job = version.export_job
    message.create_time.CopyFrom(timestamp(version.create_time_us))
    if version.ready_time_us is not None:
        message.ready_time.CopyFrom(timestamp(version.ready_time_us))
    if message.runtime == deployment_pb2.RUNTIME_UNSPECIFIED:
        message.runtime = deployment_pb2.Runtime.ValueType(version.runtime)
    waits = (deployment_pb2.DEPLOYMENT_STATE_LOADING, deployment_pb2.DEPLOYMENT_STATE_DELETING)
    error = version.error or (problem if message.state in waits else None)
    if error is not None:
        message.error.CopyFrom(error)
    return message


def _state(
    deployment: Deployment, version: Version, problem: status_pb2.Status | None
) -> deployment_pb2.DeploymentState.ValueType:
    state = version.state
    if deployment.deleting:
        state = VersionState.DELETING
    elif state is VersionState.READY and version.number == deployment.serving_version and problem is not None:
        state = VersionState.LOADING
    return deployment_pb2.DeploymentState.ValueType(state.value)
