"""The catalogue of a service's plugins, read once in a throw-away subprocess."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from palmette_plugins.api.catalogue import PluginDescription, read_catalogue
from palmette_plugins.api.errors import FailedPrecondition, NotFound
from palmette_services.runtime.processes.endable_run import EndableRun

_log = structlog.get_logger(__name__)


class Catalogue:
    """Descriptions by plugin name. Whoever asks first waits until it has been read.

    A plugin that is installed later shows after a restart of the service.
    """

    def __init__(self, service: str, cache_dir: Path, niceness: int = 0) -> None:
        self._service = service
        self._cache_dir = cache_dir
        self._reader = EndableRun(niceness)
        self._reading: asyncio.Task[dict[str, PluginDescription]] | None = None

    async def plugins(self) -> dict[str, PluginDescription]:
        """Return all descriptions, ordered by name."""
        if self._reading is None or (self._reading.done() and self._failed(self._reading)):
            self._reading = asyncio.create_task(self._read(), name="catalogue")
        # Shielded: a caller that gives up must not throw away what the next one would have to read anew.
        return await asyncio.shield(self._reading)

    async def _read(self) -> dict[str, PluginDescription]:
        read = await asyncio.to_thread(read_catalogue, self._service, self._cache_dir, self._reader.run)
        for plugin in read:
            if plugin.error:
                _log.warning("broken plugin", plugin=plugin.name, error=plugin.error.splitlines()[0])
        return {plugin.name: plugin for plugin in read}

    async def close(self) -> None:
        """End the subprocess that reads, if it still does."""
        self._reader.end()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    @staticmethod
    def _failed(reading: asyncio.Task[dict[str, PluginDescription]]) -> bool:
        return reading.cancelled() or reading.exception() is not None

    async def find(self, name: str) -> PluginDescription:
        """Return one description; raise `NotFound` with the nearest names."""
        plugins = await self.plugins()
        if name not in plugins:
            raise NotFound.named("plugin", name, list(plugins))
        return plugins[name]

    async def require_ready(self, name: str) -> None:
        """Raise `NotFound` or `FailedPrecondition` unless the plugin can run."""
        plugin = await self.find(name)
        if plugin.error:
            raise FailedPrecondition(f"plugin '{name}' is BROKEN: {plugin.error.splitlines()[0]}")

    async def list_outputs(self, name: str) -> frozenset[str]:
        """Return the names of the outputs of a plugin that hold several artifacts."""
        plugin = (await self.plugins()).get(name)
        return frozenset(output.name for output in plugin.outputs if output.repeated) if plugin else frozenset()
