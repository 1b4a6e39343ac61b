"""The services behind the gateway, as the control plane calls them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from palmette_gateway.addresses import Address
from palmette_gateway.call_details import changing
from palmette_gateway.channels import open_channel
from palmette_gateway.endpoints import ServiceMap
from palmette_gateway.errors import unknown_service
from palmette_gateway.internal_secret import InternalSecret
from palmette_gateway.settings import Settings
from palmette_protos.v1 import job_pb2_grpc, plugin_pb2_grpc

GOODBYE_S = 60.0  # time that calls on a replaced channel get to end


@dataclass(frozen=True)
class Service:
    """One service and its stubs."""

    name: str
    address: Address
    channel: grpc.aio.Channel
    health: Any  # grpc_health.v1.HealthStub, whose type information lacks the methods
    jobs: job_pb2_grpc.JobServiceAsyncStub
    plugins: plugin_pb2_grpc.PluginServiceAsyncStub


class Services:
    """All services; `update` follows changes of their addresses while calls go on.

    Raises:
        SecretError: The internal secret cannot be used.
    """

    def __init__(self, settings: Settings, interceptors: Sequence[grpc.aio.ClientInterceptor] = ()) -> None:
        self._settings = settings
        path = settings.internal_secret_file
        self._interceptors = [*interceptors, *(changing(InternalSecret(path).add_to) if path else [])]
        self._services: dict[str, Service] = {}
        self._goodbyes: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Service]:
        """Every service, by name."""
        return iter([self._services[name] for name in self.names])

    @property
    def names(self) -> list[str]:
        """Names of all services."""
        return sorted(self._services)

    def get(self, name: str) -> Service:
        """One service.

        Raises:
            CallError: NOT_FOUND, with the nearest names.
        """
        try:
            return self._services[name]
        except KeyError:
            raise unknown_service(name, self.names) from None

    def update(self, addresses: ServiceMap) -> None:
        """Take over addresses. Calls in flight on a channel that goes away may end for a minute."""
        for name, service in list(self._services.items()):
            if addresses.get(name) != service.address:
                self._say_goodbye(self._services.pop(name).channel)
        for name, address in addresses.items():
            if name not in self._services:
                self._services[name] = _connect(name, address, self._settings, self._interceptors)

    async def close(self) -> None:
        """Close all channels at once."""
        for task in self._goodbyes:
            task.cancel()
        await asyncio.gather(*self._goodbyes, return_exceptions=True)
        for service in self:
            await service.channel.close()

    def _say_goodbye(self, channel: grpc.aio.Channel) -> None:
        task = asyncio.create_task(channel.close(grace=GOODBYE_S))
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)


def _connect(
    name: str, address: Address, settings: Settings, interceptors: Sequence[grpc.aio.ClientInterceptor]
) -> Service:
    channel = open_channel(address, settings, interceptors)
    return Service(
        name,
        address,
        channel,
        health_pb2_grpc.HealthStub(channel),
        job_pb2_grpc.JobServiceStub(channel),
        plugin_pb2_grpc.PluginServiceStub(channel),
    )
