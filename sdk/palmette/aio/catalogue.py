"""The methods that the suite can run."""

from __future__ import annotations

import time

from palmette.aio.connection import Connection
from palmette.errors import NotFound
from palmette.submission import choose_plugin
from palmette.types import Plugin
from palmette.wire.plugin import plugin_from
from palmette_protos.v1 import plugin_pb2

_FRESH_S = 30.0


class Catalogue:
    """Lists and finds plugins; what was listed is kept for half a minute, so that many submissions ask once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listed_s = float("-inf")
        self._plugins: list[Plugin] = []
        self._unreachable: dict[str, str] = {}

    async def list(self, service: str = "") -> list[Plugin]:
        """Return the plugins of all services, or of one."""
        parent = f"services/{service}" if service else ""
        request = plugin_pb2.ListPluginsRequest(parent=parent)
        response = await self._connection.call(self._connection.plugins.ListPlugins, request, service=service)
        plugins = [plugin_from(plugin) for plugin in response.plugins]
        if not service:
            self._plugins, self._unreachable = plugins, dict(response.unreachable)
            self._listed_s = time.monotonic()
        return plugins

    async def find(self, name: str) -> Plugin:
        """Return the plugin called ``plugin`` or ``service/plugin``; `NotFound` names the nearest."""
        if time.monotonic() - self._listed_s < _FRESH_S:
            try:
                return choose_plugin(name, self._plugins, {})
            except NotFound:
                pass  # it may have been installed since
        await self.list()
        return choose_plugin(name, self._plugins, self._unreachable)
