"""palmette.v1.PluginService over all services."""

from __future__ import annotations

import asyncio

import grpc

from palmette_gateway.access.destinations import SERVICE_HEADER
from palmette_gateway.control_plane.caller import AnyContext, header
from palmette_gateway.control_plane.fan_out import ask_each_within
from palmette_gateway.control_plane.forwarding import forward, onward_metadata, service_of
from palmette_gateway.errors import describe_silence
from palmette_gateway.services import Service, Services
from palmette_protos.v1 import plugin_pb2, plugin_pb2_grpc

PLUGIN = "services/{service}/plugins/{plugin}"
SERVICE = "services/{service}"
ALL = ("", "services/-")
LIST_S = 60.0  # a service that just started first imports every plugin


class PluginService(plugin_pb2_grpc.PluginServiceServicer):
    """Passes a call on to the service that the request names, and lists the plugins of all."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def ListPlugins(
        self, request: plugin_pb2.ListPluginsRequest, context: AnyContext
    ) -> plugin_pb2.ListPluginsResponse:
        """Pass on if `parent` names a service, else join the lists of all."""
        chosen = header(context, SERVICE_HEADER)
        if request.parent not in ALL or chosen:
            service = self._services.get(chosen or service_of(request.parent, "parent", SERVICE))
            return await forward(service, service.plugins.ListPlugins, request, context)
        metadata, timeout_s = onward_metadata(context), ask_each_within(context, LIST_S)
        services = list(self._services)
        answers = await asyncio.gather(*(_list(service, metadata, timeout_s) for service in services))
        joined = plugin_pb2.ListPluginsResponse()
        for service, answer in zip(services, answers, strict=True):
            if isinstance(answer, str):
                joined.unreachable[service.name] = answer
            else:
                joined.plugins.extend(answer.plugins)
        return joined

    async def GetPlugin(
        self, request: plugin_pb2.GetPluginRequest, context: AnyContext
    ) -> plugin_pb2.GetPluginResponse:
        """Pass on by `name`."""
        chosen = header(context, SERVICE_HEADER)
        service = self._services.get(chosen or service_of(request.name, "name", PLUGIN))
        return await forward(service, service.plugins.GetPlugin, request, context)


async def _list(
    service: Service, metadata: tuple[tuple[str, str], ...], timeout_s: float
) -> plugin_pb2.ListPluginsResponse | str:
    """The plugins of one service, or why it did not say."""
    request = plugin_pb2.ListPluginsRequest(parent=f"services/{service.name}")
    try:
        return await service.plugins.ListPlugins(request, metadata=metadata, timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        return describe_silence(service.name, str(service.address), error)
