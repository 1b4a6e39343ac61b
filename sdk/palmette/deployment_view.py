"""What the synchronous and the asynchronous deployment handle have in common: reading."""

from __future__ import annotations

from palmette.types import DeploymentInfo, DeploymentState, DeploymentVersion


class DeploymentView:
    """A deployment as it was when last heard of; `info` holds everything."""

    @property
    def info(self) -> DeploymentInfo:
        """The deployment as last heard of."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """``deployments/{id}``."""
        return self.info.name

    @property
    def id(self) -> str:
        """Last part of the name: the model's name for inference."""
        return self.info.id

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
