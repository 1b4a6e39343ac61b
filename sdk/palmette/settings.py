"""Settings of the SDK from the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables that the SDK, the command line and the launcher read.

    Attributes:
        endpoint: ``PALMETTE_ENDPOINT``: the gateway, ``host:port`` or ``http[s]://host:port``.
        token: ``PALMETTE_TOKEN``: sent with every call.
        ca_file: ``PALMETTE_CA_FILE``: certificates to trust for ``https``; the system's when unset.
        home: ``PALMETTE_HOME``: home of a local suite.
    """

    model_config = SettingsConfigDict(env_prefix="PALMETTE_", extra="ignore")

    endpoint: str = ""
    token: str = ""
    ca_file: Path | None = None
    home: Path | None = None
