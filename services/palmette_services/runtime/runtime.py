"""What a service is built of, as its own code sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import grpc

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_services.runtime.database import Database
from palmette_services.runtime.inspector import Inspector
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.rpc.health import Health
from palmette_services.runtime.settings import ServiceSettings
from palmette_services.runtime.tasks import BackgroundTasks


@dataclass
class Runtime:
    """Given to a service's `extend` before the server starts.

    Attributes:
        name: Name of the service, such as ``pruning_growth``.
        settings: Its settings, every path filled in.
        server: The gRPC server; add servicers to it and name them with `reflect`.
        database: Its database.
        jobs: Its jobs.
        inspector: Runs code that needs torch.
        store: The artifact store that all services share.
        health: What ``grpc.health.v1`` answers.
        tasks: The background tasks behind `spawn`.
    """

    name: str
    settings: ServiceSettings
    server: grpc.aio.Server
    database: Database
    jobs: JobQueue
    inspector: Inspector
    store: ArtifactStore
    health: Health
    tasks: BackgroundTasks

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine in the background until it ends or the service stops, which cancels and awaits it.

        A task that fails takes the service down: nothing runs on half.
        """
        return self.tasks.spawn(coroutine, name)

    def reflect(self, service_full_name: str) -> None:
        """Announce a gRPC service, such as ``palmette.v1.JobService``, in health and reflection."""
        self.health.add(service_full_name)
