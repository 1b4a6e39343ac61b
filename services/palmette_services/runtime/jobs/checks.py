"""The plugin's part of the check of a submission."""

from __future__ import annotations

import asyncio
import time

from palmette_plugins.api.errors import Unavailable
from palmette_plugins.api.job_spec import JobSpec
from palmette_services.runtime.inspector import Inspector
from palmette_services.runtime.plugins.catalogue import Catalogue


class PluginCheck:
    """Asks the catalogue first, then the inspector: a plugin that cannot be imported never gets into it."""

    def __init__(self, catalogue: Catalogue, inspector: Inspector) -> None:
        self._catalogue = catalogue
        self._inspector = inspector

    async def check(self, spec: JobSpec, within_s: float) -> None:
        """Raise what is wrong with the submission; `Unavailable` if that is not known in time."""
        until_s = time.monotonic() + within_s
        try:
            async with asyncio.timeout(within_s):
                await self._catalogue.require_ready(spec.plugin)
        except TimeoutError:
            text = "the service is still reading its plugins, after a start; send the job again in a moment"
            raise Unavailable(text) from None
        await self._inspector.check(spec, max(0.0, until_s - time.monotonic()))
