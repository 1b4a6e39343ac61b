"""What the synchronous and the asynchronous handles have in common: reading what was last heard of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from palmette.types import (
    DeploymentInfo,
    DeploymentState,
    DeploymentVersion,
    Failure,
    JobInfo,
    JobState,
    Outputs,
    Progress,
)


class _Resource(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def id(self) -> str: ...


InfoT = TypeVar("InfoT", bound=_Resource)


class View(Generic[InfoT]):
    """A resource as it was when last heard of; `info` holds everything."""

    @property
    def info(self) -> InfoT:
        """Everything as last heard of; `refresh` asks again."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """Full name: ``services/{service}/jobs/{id}`` or ``deployments/{id}``."""
        return self.info.name

    @property
    def id(self) -> str:
        """Last part of the name; of a deployment, also the model's name for inference."""
        return self.info.id


class JobView(View[JobInfo]):
    """A job as it was when last heard of; `info` holds everything."""

    @property
    def plugin(self) -> str:
        """Name of the method that it runs."""
        return self.info.plugin

    @property
    def service(self) -> str:
        """Service that runs it."""
        return self.info.service

    @property
    def state(self) -> JobState:
        """Where it is in its life."""
        return self.info.state

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self.info.progress

    @property
    def metrics(self) -> Mapping[str, float]:
        """Last value of every metric that it reported."""
        return self.info.metrics

    @property
    def outputs(self) -> Outputs:
        """Its artifacts by output name: ``job.outputs["model"]``."""
        return self.info.outputs

    @property
    def failure(self) -> Failure | None:
        """Why it failed; None unless it did."""
        return self.info.failure

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.plugin} {self.state}>"


class DeploymentView(View[DeploymentInfo]):
    """A deployment as it was when last heard of; `info` holds everything."""

    @property
    def state(self) -> DeploymentState:
        """State of the newest version."""
        return self.info.state

    @property
    def serving(self) -> DeploymentVersion | None:
        """The version that serves now."""
        return self.info.serving

    def __repr__(self) -> str:
        return f"<Deployment {self.name} version {self.info.serving_version} {self.state}>"
