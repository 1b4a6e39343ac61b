"""``palmette.v1.PluginService``."""

from __future__ import annotations

import re
from typing import Any

from palmette_plugins.api.errors import InvalidArgument
from palmette_protos.v1 import plugin_pb2, plugin_pb2_grpc
from palmette_services.runtime.jobs.names import check_parent
from palmette_services.runtime.plugins.catalogue import Catalogue
from palmette_services.runtime.plugins.messages import plugin_message

_NAME = re.compile(r"services/([a-z][a-z0-9_]*)/plugins/([^/]+)")


class PluginServicer(plugin_pb2_grpc.PluginServiceServicer):
    """Answers for the plugins of one service."""

    def __init__(self, service: str, catalogue: Catalogue) -> None:
        self._service = service
        self._catalogue = catalogue

    async def ListPlugins(self, request: plugin_pb2.ListPluginsRequest, context: Any) -> plugin_pb2.ListPluginsResponse:
        """Return all plugins, BROKEN ones included."""
        check_parent(request.parent, self._service)
        plugins = await self._catalogue.plugins()
        messages = [plugin_message(self._service, plugin) for plugin in plugins.values()]
        return plugin_pb2.ListPluginsResponse(plugins=messages)

    async def GetPlugin(self, request: plugin_pb2.GetPluginRequest, context: Any) -> plugin_pb2.GetPluginResponse:
        """Return one plugin."""
        match = _NAME.fullmatch(request.name)
        if match is None or match[1] != self._service:
            text = f"'{request.name}' is not a plugin name: services/{self._service}/plugins/<name>"
            raise InvalidArgument.field("name", text)
        plugin = await self._catalogue.find(match[2])
        return plugin_pb2.GetPluginResponse(plugin=plugin_message(self._service, plugin))
