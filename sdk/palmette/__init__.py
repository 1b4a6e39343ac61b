"""Palmette: reshape neural networks and serve the result.

    import palmette

    with palmette.Client() as client:
        job = client.submit("random-pruning", model="zoo:resnet20", data="fashion-mnist", density=0.1)
        job.wait(progress=True)
        client.deploy("fashion", job.outputs["model"])
        logits = client.infer("fashion", images)

`palmette.aio` is the same with ``await``; `palmette.errors` is what goes wrong.
"""

from palmette import aio, errors
from palmette.artifacts import Artifacts
from palmette.client import Client
from palmette.deployment import Deployment
from palmette.endpoint import Endpoint, find_endpoint
from palmette.errors import (
    DeploymentFailed,
    InvalidRequest,
    JobCancelled,
    JobFailed,
    NotFound,
    PalmetteError,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from palmette.job import Job
from palmette.types import ArtifactName, ImageTextPair, JobState, Resources, Role, Runtime
from palmette.version import __version__

__all__ = [
    "ArtifactName",
    "Artifacts",
    "Client",
    "Deployment",
    "DeploymentFailed",
    "Endpoint",
    "ImageTextPair",
    "InvalidRequest",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobState",
    "NotFound",
    "PalmetteError",
    "PermissionDenied",
    "Resources",
    "Role",
    "Runtime",
    "Unauthenticated",
    "Unavailable",
    "__version__",
    "aio",
    "errors",
    "find_endpoint",
]
