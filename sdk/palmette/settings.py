"""Settings of the SDK from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def standard_otlp_endpoint() -> str:
    """Return the collector that OpenTelemetry's own variables name; empty if none, or one that takes no gRPC."""
    speaks_grpc = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc") == "grpc"
    return os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "") if speaks_grpc else ""


class Settings(BaseSettings):
    """Environment variables that the SDK, the command line and the launcher read.

    Attributes:
        endpoint: ``PALMETTE_ENDPOINT``: the gateway, ``host:port`` or ``http[s]://host:port``.
        token: ``PALMETTE_TOKEN``: sent with every call.
        ca_file: ``PALMETTE_CA_FILE``: certificates to trust for ``https``; the system's when unset.
        home: ``PALMETTE_HOME``: home of a local suite.
        otlp_endpoint: ``PALMETTE_OTLP_ENDPOINT``: OpenTelemetry collector (gRPC) for traces.
    """

    model_config = SettingsConfigDict(env_prefix="PALMETTE_", extra="ignore")

    endpoint: str = ""
    token: str = ""
    ca_file: Path | None = None
    home: Path | None = None
    otlp_endpoint: str = Field(default_factory=standard_otlp_endpoint)
