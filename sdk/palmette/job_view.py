"""What the synchronous and the asynchronous job handle have in common: reading."""

from __future__ import annotations

from collections.abc import Mapping

from palmette.types import Failure, JobInfo, JobState, Outputs, Progress


class JobView:
    """A job as it was when last heard of; `info` holds everything."""

    @property
    def info(self) -> JobInfo:
        """The job as last heard of."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """``services/{service}/jobs/{id}``."""
        return self.info.name

    @property
    def id(self) -> str:
        """Last part of the name."""
        return self.info.id

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
