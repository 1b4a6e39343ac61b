"""The plugin contract: everything that a method, dataset or architecture plugin needs."""

from palmette_plugins.api.architecture import ArchitectureProvider, LoadedModel
from palmette_plugins.api.artifacts import StoredArtifact
from palmette_plugins.api.config import MethodConfig
from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import (
    AlreadyExists,
    DataLoss,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    JobCancelled,
    NotFound,
    PalmetteError,
    ResourceExhausted,
    Unavailable,
)
from palmette_plugins.api.job import JobContext
from palmette_plugins.api.job_spec import JobSpec
from palmette_plugins.api.kinds import ArtifactKind, Kind
from palmette_plugins.api.method import Method
from palmette_plugins.api.outputs import DataSubset, Index, Model, Output, Report, Run, Servable, Supernet, Table
from palmette_plugins.api.paper import Paper
from palmette_plugins.api.references import ArtifactRef, DatasetRef, ModelRef, Reference
from palmette_plugins.api.run import RunResult, run_method
from palmette_plugins.api.spec import Edit, ModelIO, ModelSpec, TensorSpec
from palmette_plugins.api.submission import Submission
from palmette_plugins.api.task import Batch, Meter, Task

__all__ = [
    "AlreadyExists",
    "ArchitectureProvider",
    "ArtifactKind",
    "ArtifactRef",
    "Batch",
    "DataInfo",
    "DataLoss",
    "DataSubset",
    "Dataset",
    "DatasetRef",
    "DatasetSource",
    "Edit",
    "FailedPrecondition",
    "FieldViolation",
    "Index",
    "InvalidArgument",
    "JobCancelled",
    "JobContext",
    "JobSpec",
    "Kind",
    "LoadedModel",
    "Meter",
    "Method",
    "MethodConfig",
    "Model",
    "ModelIO",
    "ModelRef",
    "ModelSpec",
    "NotFound",
    "Output",
    "PalmetteError",
    "Paper",
    "Reference",
    "Report",
    "ResourceExhausted",
    "Run",
    "RunResult",
    "Servable",
    "StoredArtifact",
    "Submission",
    "Supernet",
    "Table",
    "Task",
    "TensorSpec",
    "Unavailable",
    "run_method",
]
