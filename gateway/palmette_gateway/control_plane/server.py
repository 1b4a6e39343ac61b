"""The control plane's gRPC server."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from palmette_gateway.access.tokens import Tokens
from palmette_gateway.addresses import Address
from palmette_gateway.control_plane.border import Border
from palmette_gateway.control_plane.job_service import JobService
from palmette_gateway.control_plane.plugin_service import PluginService
from palmette_gateway.control_plane.reflection import add_reflection
from palmette_gateway.control_plane.suite_service import SuiteService
from palmette_gateway.control_plane.token_service import TokenService
from palmette_gateway.health.monitor import HealthMonitor
from palmette_gateway.services import Services
from palmette_gateway.web_server import AddressTakenError
from palmette_protos.v1 import job_pb2_grpc, plugin_pb2_grpc, suite_pb2_grpc, token_pb2_grpc

NAMES = ("", *(f"palmette.v1.{name}" for name in ("JobService", "PluginService", "SuiteService", "TokenService")))


class ControlPlane:
    """Serves SuiteService, TokenService, and JobService and PluginService over all services."""

    def __init__(
        self,
        tokens: Tokens,
        services: Services,
        monitor: HealthMonitor,
        max_message_bytes: int,
        first: Sequence[grpc.aio.ServerInterceptor] = (),
    ) -> None:
        self._border = Border(tokens)
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            interceptors=[*first, self._border],
            options=[
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # a second gateway on the same port is an error, not half the calls
            ],
        )
        job_pb2_grpc.add_JobServiceServicer_to_server(JobService(services), self._server)
        plugin_pb2_grpc.add_PluginServiceServicer_to_server(PluginService(services), self._server)
        suite_pb2_grpc.add_SuiteServiceServicer_to_server(SuiteService(monitor), self._server)
        token_pb2_grpc.add_TokenServiceServicer_to_server(TokenService(tokens), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_reflection(self._server)

    async def start(self, listen: Address) -> None:
        """Serve on an address.

        Raises:
            AddressTakenError: It cannot be bound.
        """
        try:
            self._server.add_insecure_port(listen.target)
        except RuntimeError as error:
            raise AddressTakenError(
                f"cannot listen on {listen} (PALMETTE_GATEWAY_LISTEN): it is taken, or not an address of this machine"
            ) from error
        for name in NAMES:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()

    async def stop(self, drain_s: float) -> None:
        """Say NOT_SERVING, end the streams, let other calls end for `drain_s` seconds, then stop."""
        await self._health.enter_graceful_shutdown()
        self._border.drain()
        await self._server.stop(drain_s)
