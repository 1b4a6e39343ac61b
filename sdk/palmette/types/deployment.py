"""Deployments as the SDK sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from palmette.types.artifact import ArtifactName
from palmette.types.failure import Failure


class DeploymentState(StrEnum):
    """Where a version is in its life."""

    EXPORTING = "EXPORTING"
    LOADING = "LOADING"
    READY = "READY"
    FAILED = "FAILED"
    DELETING = "DELETING"
    RETIRED = "RETIRED"

    @property
    def settled(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (DeploymentState.READY, DeploymentState.FAILED, DeploymentState.RETIRED)


class Runtime(StrEnum):
    """What executes a model; `AUTO` is the artifact's own choice."""

    AUTO = "auto"
    ONNX = "onnx"
    TORCH = "torch"


@dataclass(frozen=True)
class Parity:
    """How close the served model is to PyTorch: |difference| <= atol + rtol |PyTorch| over `samples` inputs."""

    samples: int
    max_abs_difference: float
    atol: float
    rtol: float


@dataclass(frozen=True)
class TensorSignature:
    """A tensor as served; -1 in `shape` is any size, the first dimension is the batch."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class DeploymentVersion:
    """One version of a deployment."""

    version: int
    artifact: ArtifactName
    state: DeploymentState
    runtime: Runtime = Runtime.AUTO
    failure: Failure | None = None
    parity: Parity | None = None
    export_job: str = ""
    create_time: datetime | None = None
    ready_time: datetime | None = None
    inputs: tuple[TensorSignature, ...] = ()
    outputs: tuple[TensorSignature, ...] = ()
    labels: tuple[str, ...] = ()
    task: str = ""


@dataclass(frozen=True)
class DeploymentInfo:
    """A deployment at one moment; `serving_version` is 0 before the first version is ready."""

    name: str
    state: DeploymentState
    serving_version: int = 0
    versions: tuple[DeploymentVersion, ...] = ()
    create_time: datetime | None = None
    max_batch_size: int = 0
    max_queue_delay_us: int = 0
    instances: int = 0

    @property
    def id(self) -> str:
        """Last part of its name: the model's name for inference."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def serving(self) -> DeploymentVersion | None:
        """The version that serves now."""
        return next((version for version in self.versions if version.version == self.serving_version), None)


@dataclass(frozen=True)
class DeploymentStats:
    """The inference server's figures for the version that serves; rates and times are over the last minute."""

    version: int
    inference_count: int = 0
    failure_count: int = 0
    execution_count: int = 0
    requests_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    queue_ms: float = 0.0
    compute_ms: float = 0.0
    executions_by_batch_size: Mapping[int, int] = field(default_factory=dict)
