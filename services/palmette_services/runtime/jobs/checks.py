"""The plugin's part of the check of a submission."""

from __future__ import annotations

from palmette_plugins.api.job_spec import JobSpec
from palmette_services.runtime.inspector import Inspector
from palmette_services.runtime.plugins.catalogue import Catalogue


class PluginCheck:
    """Asks the catalogue first, then the inspector: a plugin that cannot be imported never gets into it."""

    def __init__(self, catalogue: Catalogue, inspector: Inspector) -> None:
        self._catalogue = catalogue
        self._inspector = inspector

    async def check(self, spec: JobSpec) -> None:
        """Raise what is wrong with the submission."""
        await self._catalogue.require_ready(spec.plugin)
        await self._inspector.check(spec)
