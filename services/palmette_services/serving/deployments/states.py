"""The life of a deployment as pure values: what it is, and what has to happen next.

::

    EXPORTING --job--> LOADING --answers--> READY --another version--> RETIRED --rollback--> LOADING
        |                 |
        +-----------------+--> FAILED
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, IntEnum

from google.rpc import status_pb2

from palmette_protos.serving.v1 import deployment_pb2


class VersionState(IntEnum):
    """The values of ``palmette.serving.v1.DeploymentState``."""

    EXPORTING = 1
    LOADING = 2
    READY = 3
    FAILED = 4
    DELETING = 5
    RETIRED = 6


UNFINISHED = frozenset({VersionState.EXPORTING, VersionState.LOADING})
KEEPS_ARTIFACT = frozenset({VersionState.EXPORTING, VersionState.LOADING, VersionState.READY, VersionState.RETIRED})


@dataclass(frozen=True)
class Version:
    """One version of a deployment.

    Attributes:
        number: 1, 2, 3, ...
        artifact: Id of what was deployed.
        servable: Id of what the export made of it; empty before.
        state: Where it is in its life.
        runtime: What was asked for, a ``palmette.serving.v1.Runtime``.
        atol: Absolute tolerance of the comparison with PyTorch.
        rtol: Relative tolerance.
        export_job: Name of the job that exports it, or empty.
        error: Why it failed.
        served: Runtime, signature, labels, task and parity, once known.
        create_time_us: When it was asked for.
        ready_time_us: When it first served, or None.
    """

    number: int
    artifact: str
    servable: str
    state: VersionState
    runtime: int
    atol: float
    rtol: float
    export_job: str
    error: status_pb2.Status | None
    served: deployment_pb2.DeploymentVersion
    create_time_us: int
    ready_time_us: int | None


@dataclass(frozen=True)
class Deployment:
    """A name that serves; `versions` are ordered, the newest first."""

    id: str
    create_time_us: int
    settings: deployment_pb2.ServingSettings
    serving_version: int
    target_version: int
    deleting: bool
    versions: tuple[Version, ...]

    def version(self, number: int) -> Version:
        """Return a version by number; raise `KeyError` if there is none."""
        return {version.number: version for version in self.versions}[number]

    @property
    def target(self) -> Version:
        """The version that was asked for last."""
        return self.version(self.target_version)

    @property
    def superseded(self) -> tuple[Version, ...]:
        """Versions under way that another one was asked for after."""
        others = (version for version in self.versions if version.number != self.target_version)
        return tuple(version for version in others if version.state in UNFINISHED)


class Step(Enum):
    """Something to do for a deployment."""

    NOTHING = "nothing"
    DELETE = "delete"
    SUPERSEDE = "supersede"
    RESTORE = "restore"
    EXPORT = "export"
    PROMOTE = "promote"


def next_step(deployment: Deployment, loaded: Collection[int] | None) -> Step:
    """Return what has to happen next.

    Args:
        deployment: As stored.
        loaded: Versions that Triton serves under the name; None while Triton does not answer.
    """
    if deployment.deleting:
        return Step.DELETE
    if deployment.superseded:
        return Step.SUPERSEDE
    state = deployment.target.state
    if loaded is not None and _lost(deployment, loaded):
        return Step.RESTORE  # before anything new: clients wait for it
    if state is VersionState.EXPORTING:
        return Step.EXPORT
    if state is VersionState.LOADING and loaded is not None:
        return Step.PROMOTE
    return Step.NOTHING


def _lost(deployment: Deployment, loaded: Collection[int]) -> bool:
    """Tell whether Triton, restarted, does not serve what it should."""
    switched = deployment.target.state is VersionState.LOADING and deployment.target_version in loaded
    return deployment.serving_version > 0 and deployment.serving_version not in loaded and not switched
