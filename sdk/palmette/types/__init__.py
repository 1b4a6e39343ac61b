"""Values that the SDK returns: frozen dataclasses, no protobuf."""

from palmette.types.artifact import Artifact, ArtifactFile, ArtifactName, GarbageReport, Lineage, LineageEdge
from palmette.types.deployment import (
    DeploymentInfo,
    DeploymentState,
    DeploymentStats,
    DeploymentVersion,
    Parity,
    Runtime,
    TensorSignature,
)
from palmette.types.events import (
    ArtifactCommitted,
    FigureShown,
    JobEvent,
    LogLine,
    MetricReported,
    ProgressMade,
    Severity,
    StateChanged,
)
from palmette.types.failure import Failure
from palmette.types.health import Component, ComponentKind, Health, HealthState
from palmette.types.identity import Identity, Role, Token
from palmette.types.job import JobInfo, JobState, Outputs, Progress, Resources
from palmette.types.listing import Listing
from palmette.types.model import LayerInfo, ModelInspection, PlannedLayer, RepresentationComparison, SparsityPlan
from palmette.types.pairs import DropCause, ImageTextPair, PairScore
from palmette.types.plugin import InputType, Paper, Plugin, PluginInput, PluginOutput, PluginState
from palmette.types.supernet import ArchitectureEstimate, Specialisation, Subnetwork

__all__ = [
    "ArchitectureEstimate",
    "Artifact",
    "ArtifactCommitted",
    "ArtifactFile",
    "ArtifactName",
    "Component",
    "ComponentKind",
    "DeploymentInfo",
    "DeploymentState",
    "DeploymentStats",
    "DeploymentVersion",
    "DropCause",
    "Failure",
    "FigureShown",
    "GarbageReport",
    "Health",
    "HealthState",
    "Identity",
    "ImageTextPair",
    "InputType",
    "JobEvent",
    "JobInfo",
    "JobState",
    "LayerInfo",
    "Lineage",
    "LineageEdge",
    "Listing",
    "LogLine",
    "MetricReported",
    "ModelInspection",
    "Outputs",
    "PairScore",
    "Paper",
    "Parity",
    "PlannedLayer",
    "Plugin",
    "PluginInput",
    "PluginOutput",
    "PluginState",
    "Progress",
    "ProgressMade",
    "RepresentationComparison",
    "Resources",
    "Role",
    "Runtime",
    "Severity",
    "SparsityPlan",
    "Specialisation",
    "StateChanged",
    "Subnetwork",
    "TensorSignature",
    "Token",
]
