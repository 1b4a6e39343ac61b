"""``grpc.health.v1`` and reflection."""

from __future__ import annotations

import asyncio

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from sqlalchemy.exc import SQLAlchemyError

from palmette_services.runtime.database import Database

_PERIOD_S = 2.0
_TIMEOUT_S = 5.0
_log = structlog.get_logger(__name__)


class Health:
    """Says that the service works: while its database answers and it is not stopping.

    The empty name stands for the whole service.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self._servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        self._names = {"", health.SERVICE_NAME}

    def add(self, service_full_name: str) -> None:
        """Announce a gRPC service."""
        self._names.add(service_full_name)

    def enable_reflection(self) -> None:
        """Add the reflection service, once all services are announced and before the server starts."""
        names = sorted(self._names - {""})
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], self._server)

    async def serve(self, serving: bool) -> None:
        """Set the state of every announced service."""
        status = health_pb2.HealthCheckResponse
        for name in self._names:
            await self._servicer.set(name, status.SERVING if serving else status.NOT_SERVING)

    async def stop(self) -> None:
        """Answer NOT_SERVING from now on."""
        await self._servicer.enter_graceful_shutdown()

    async def watch_database(self, database: Database) -> None:
        """Keep the state true until cancelled."""
        healthy = True
        while True:
            await asyncio.sleep(_PERIOD_S)
            answers = await _answers(database)
            if answers != healthy:
                _log.log(20 if answers else 40, "database answers again" if answers else "database does not answer")
                await self.serve(answers)
                healthy = answers


async def _answers(database: Database) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await database.check()
    except (SQLAlchemyError, OSError, TimeoutError):
        return False
    return True
