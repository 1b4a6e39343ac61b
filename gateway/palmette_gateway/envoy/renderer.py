"""From settings to a configuration in force: render, let Envoy judge, put in place."""

from __future__ import annotations

import tempfile
from pathlib import Path

import structlog

from palmette_gateway.endpoints import Endpoints
from palmette_gateway.envoy.binary import find_envoy
from palmette_gateway.envoy.configuration import BOOTSTRAP, render
from palmette_gateway.envoy.publication import publish
from palmette_gateway.envoy.secrets import secrets
from palmette_gateway.envoy.validation import validate
from palmette_gateway.settings import Settings

log = structlog.get_logger(__name__)


class Renderer:
    """Renders Envoy's configuration into one folder."""

    def __init__(self, settings: Settings, jwks: str, folder: Path) -> None:
        self._settings = settings
        self._jwks = jwks
        self._folder = folder.absolute()

    async def apply(self, endpoints: Endpoints) -> bool:
        """Put the configuration for these endpoints in force; return whether that changed anything.

        Raises:
            SecretError: A certificate or key cannot be used.
            ConfigurationRefusedError: Envoy refuses it; the former one stays in force.
            EnvoyMissingError: There is no Envoy to ask.
            OSError: The folder cannot be written.
        """
        for secret in secrets(self._settings):
            secret.check()
        configuration = render(self._settings, endpoints, self._jwks, self._folder)
        with tempfile.TemporaryDirectory(prefix="palmette-envoy-") as scratch:
            trial = render(self._settings, endpoints, self._jwks, Path(scratch))
            await validate(trial, find_envoy(self._settings.envoy_binary), Path(scratch))
        bootstrap = self._folder / BOOTSTRAP
        if bootstrap.exists() and bootstrap.read_text() != configuration.bootstrap:
            log.warning("envoy.yaml itself changed: a running Envoy must be restarted to see it", path=str(bootstrap))
        changed = publish(configuration, self._folder)
        if changed:
            log.info("put Envoy's configuration in force", folder=str(self._folder), version=configuration.version)
        return changed
