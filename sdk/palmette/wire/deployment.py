"""Deployments."""

from __future__ import annotations

from palmette.types import (
    ArtifactName,
    DeploymentInfo,
    DeploymentState,
    DeploymentStats,
    DeploymentVersion,
    Parity,
    Runtime,
    TensorSignature,
)
from palmette.wire.failure import failure_from
from palmette.wire.scalars import enum_from, time_from
from palmette_protos.serving.v1 import deployment_pb2

_RUNTIMES = {
    Runtime.AUTO: deployment_pb2.RUNTIME_UNSPECIFIED,
    Runtime.ONNX: deployment_pb2.RUNTIME_ONNX,
    Runtime.TORCH: deployment_pb2.RUNTIME_TORCH,
}
_RUNTIME_NAMES = {number: runtime for runtime, number in _RUNTIMES.items()}


def runtime_number(runtime: Runtime | str) -> deployment_pb2.Runtime.ValueType:
    """Return the protobuf number of a runtime, given as the enum or by name (``onnx``, ``torch``, ``auto``)."""
    return _RUNTIMES[Runtime(runtime)]


def deployment_from(deployment: deployment_pb2.Deployment) -> DeploymentInfo:
    """Return a deployment."""
    return DeploymentInfo(
        name=deployment.name,
        state=_state(deployment.state),
        serving_version=deployment.serving_version,
        versions=tuple(_version_from(version) for version in deployment.versions),
        create_time=time_from(deployment, "create_time"),
        max_batch_size=deployment.settings.max_batch_size,
        max_queue_delay_us=deployment.settings.max_queue_delay_us,
        instances=deployment.settings.instances,
    )


def _state(state: int) -> DeploymentState:
    return enum_from(deployment_pb2.DeploymentState, state, "DEPLOYMENT_STATE_", DeploymentState)


def _version_from(version: deployment_pb2.DeploymentVersion) -> DeploymentVersion:
    parity = version.parity
    return DeploymentVersion(
        version=version.version,
        artifact=ArtifactName(version.artifact),
        state=_state(version.state),
        runtime=_RUNTIME_NAMES[version.runtime],
        failure=failure_from(version.error) if version.HasField("error") else None,
        parity=Parity(parity.samples, parity.max_abs_difference, parity.atol, parity.rtol)
        if version.HasField("parity")
        else None,
        export_job=version.export_job,
        create_time=time_from(version, "create_time"),
        ready_time=time_from(version, "ready_time"),
        inputs=tuple(_signature_from(tensor) for tensor in version.inputs),
        outputs=tuple(_signature_from(tensor) for tensor in version.outputs),
        labels=tuple(version.labels),
        task=version.task,
    )


def _signature_from(tensor: deployment_pb2.TensorSignature) -> TensorSignature:
    return TensorSignature(tensor.name, tensor.datatype, tuple(tensor.shape))


def stats_from(stats: deployment_pb2.DeploymentStats) -> DeploymentStats:
    """Return the inference server's figures."""
    return DeploymentStats(
        version=stats.version,
        inference_count=stats.inference_count,
        failure_count=stats.failure_count,
        execution_count=stats.execution_count,
        requests_per_s=stats.requests_per_s,
        p50_ms=stats.p50_ms,
        p99_ms=stats.p99_ms,
        queue_ms=stats.queue_ms,
        compute_ms=stats.compute_ms,
        executions_by_batch_size=dict(stats.executions_by_batch_size),
    )
