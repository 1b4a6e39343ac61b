"""One deployment, synchronously."""

from __future__ import annotations

from palmette import aio
from palmette.bridge import Bridged, blocking, fluent, iterating
from palmette.types import DeploymentInfo
from palmette.views import DeploymentView


class Deployment(DeploymentView, Bridged[aio.Deployment]):
    """A handle on a name that serves; see `palmette.Client.deploy` and `palmette.Client.deployment`."""

    @property
    def info(self) -> DeploymentInfo:
        """Everything as last heard of; `refresh` asks again."""
        return self._core.info

    refresh = fluent(aio.Deployment.refresh)
    watch = iterating(aio.Deployment.watch)
    wait = fluent(aio.Deployment.wait)
    infer = blocking(aio.Deployment.infer)
    rollback = fluent(aio.Deployment.rollback)
    delete = blocking(aio.Deployment.delete)
    stats = blocking(aio.Deployment.stats)
