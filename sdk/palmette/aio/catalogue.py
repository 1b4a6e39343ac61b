"""The methods that the suite can run."""

from __future__ import annotations

import asyncio
import time

from palmette.aio.connection import Connection
from palmette.submission import choose_plugin, is_known, nearest_names
from palmette.types import Listing, Plugin
from palmette.wire.plugin import plugin_from
from palmette_protos.v1 import plugin_pb2

_FRESH_S = 30.0
_PATIENCE_S = 20.0
_PAUSE_S = 0.5


class Catalogue:
    """Lists and finds plugins; what was listed is kept for half a minute, so that many submissions ask once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listed_s = float("-inf")
        self._plugins: Listing[Plugin] = Listing()

    async def list(self, service: str = "") -> Listing[Plugin]:
        """Return the plugins of all services, or of one; what does not answer is named in `unreachable`."""
        parent = f"services/{service}" if service else ""
        request = plugin_pb2.ListPluginsRequest(parent=parent)
        response = await self._connection.call(self._connection.plugins.ListPlugins, request, service=service)
        plugins = Listing(map(plugin_from, response.plugins), response.unreachable)
        if not service:
            self._plugins, self._listed_s = plugins, time.monotonic()
        return plugins

    async def find(self, name: str) -> Plugin:
        """Return the plugin called ``plugin`` or ``service/plugin``; `NotFound` names the nearest."""
        if time.monotonic() - self._listed_s < _FRESH_S and is_known(name, self._plugins):
            return choose_plugin(name, self._plugins, {})
        deadline_s = time.monotonic() + _PATIENCE_S
        await self.list()
        # A service that is just starting may be the one that has it.
        while self._plugins.unreachable and not self._answers(name) and time.monotonic() < deadline_s:
            await asyncio.sleep(_PAUSE_S)
            await self.list()
        return choose_plugin(name, self._plugins, self._plugins.unreachable)

    def _answers(self, name: str) -> bool:
        """Tell whether what is listed says enough: the plugin itself, or what was probably meant."""
        return is_known(name, self._plugins) or bool(nearest_names(name, self._plugins))
