"""Settings of a service, from environment variables that start with ``PALMETTE_``."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Literal, Self

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from palmette_plugins.api.errors import FailedPrecondition

# What nearly every job imports, several of them on first use only: without this each worker would pay for it anew.
_PRELOAD = (
    "torch,torch._dynamo,numpy,altair,grpc,"
    "palmette_plugins.api.execute,palmette_plugins.api.submission,"
    "palmette_plugins.engines.training,palmette_plugins.engines.training_chart,"
    "palmette_plugins.architectures.loading,palmette_plugins.architectures.saving"
)


_COLLECTOR = re.compile(r"https?://(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):[0-9]{1,5}/?")


def _default_home() -> Path:
    return Path(os.environ.get("PALMETTE_HOME") or platformdirs.user_data_dir("palmette"))


def _standard_otlp_endpoint() -> str:
    """Return the collector that OpenTelemetry's own variables name; empty if none, or one that takes no gRPC."""
    speaks_grpc = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc") == "grpc"
    return os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "") if speaks_grpc else ""


class ServiceSettings(BaseSettings):
    """One field per environment variable: `listen` is ``PALMETTE_LISTEN``, and so on."""

    model_config = SettingsConfigDict(env_prefix="PALMETTE_", extra="ignore")

    listen: str = Field("127.0.0.1:50051", description="address of the gRPC server, host:port")
    database_url: str = Field("", description="sqlite:///path or postgresql://...; a file in the data folder if empty")
    artifact_store_url: str = Field("", description="fsspec URL of the artifact store shared by all services")
    data_dir: Path | None = Field(None, description="folder of this service's checkpoints, caches and job logs")
    metrics_listen: str = Field("", description="address of the Prometheus endpoint, host:port; empty is off")
    slots: int = Field(2, ge=1, description="jobs that run at the same time")
    job_cpu: float = Field(0.0, ge=0, description="cores of a job that does not ask; cores / slots if 0")
    gpus: int = Field(0, ge=0, description="GPUs that jobs may use")
    memory_bytes: int = Field(0, ge=0, description="memory that jobs may ask for together; the machine's if 0")
    lease_s: float = Field(15.0, gt=0, description="silence of a worker after which its job is given to another")
    max_attempts: int = Field(3, ge=1, description="attempts of a job whose worker crashes")
    max_queued: int = Field(10_000, ge=1, description="queued jobs after which submissions are refused")
    cancel_grace_s: float = Field(5.0, gt=0, description="time that a worker has to stop before it is killed")
    drain_grace_s: float = Field(5.0, gt=0, description="time that open calls have when the service stops")
    retention_days: float = Field(30.0, gt=0, description="age at which ended jobs are deleted")
    check_timeout_s: float = Field(45.0, gt=0, description="time that the check of a submission may take")
    start_timeout_s: float = Field(120.0, gt=0, description="time in which torch must be loaded; then tried again")
    max_message_bytes: int = Field(8 << 20, ge=1 << 16, description="largest gRPC message accepted")
    worker_nice: int = Field(
        5, ge=0, le=19, description="niceness of the processes that load torch, so that jobs do not slow what serves"
    )
    preload: str = Field(_PRELOAD, description="modules that workers find loaded, separated by commas")
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    internal_secret_file: Path | None = Field(
        None, description="file with the secret that callers must show, the gateway's; each line of it is accepted"
    )
    trust_network: bool = Field(
        False, description="listen beyond loopback without that secret: the network lets only the gateway in"
    )
    otlp_endpoint: str = Field(
        default_factory=_standard_otlp_endpoint,
        description="OpenTelemetry collector (gRPC) for traces, http[s]://host:port; "
        "OTEL_EXPORTER_OTLP_ENDPOINT if not set, and empty is off",
    )

    @field_validator("listen", "metrics_listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdigit() and int(port) < 65536):
            raise ValueError(f"'{value}' is not host:port")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _address_of_collector(cls, value: str) -> str:
        if value and not _COLLECTOR.fullmatch(value):
            raise ValueError(f"'{value}' is not http://host:port or https://host:port")
        return value

    @field_validator("internal_secret_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @classmethod
    def from_environment(cls) -> Self:
        """Return the settings of this process; exit with a line for everything that is wrong with them."""
        try:
            return cls()
        except ValidationError as error:
            prefix = cls.model_config.get("env_prefix", "")
            for wrong in error.errors(include_url=False):
                name = f"{prefix}{'.'.join(str(part) for part in wrong['loc'])}".upper()
                print(f"{name}: {wrong['msg']} (it is {wrong['input']!r})", file=sys.stderr)
            sys.exit(1)

    def resolved(self, service: str) -> ServiceSettings:
        """Return a copy with every path that was left empty filled in for `service`; folders are made."""
        data_dir = self.data_dir or _default_home() / "data" / service
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FailedPrecondition(f"PALMETTE_DATA_DIR: cannot make {data_dir}: {error.strerror}") from None
        return self.model_copy(
            update={
                "data_dir": data_dir,
                "database_url": self.database_url or f"sqlite:///{data_dir / 'service.sqlite3'}",
                "artifact_store_url": self.artifact_store_url or str(_default_home() / "artifacts"),
                "job_cpu": self.job_cpu or max(1.0, (os.cpu_count() or 1) / self.slots),
            }
        )

    @property
    def folder(self) -> Path:
        """The data folder of resolved settings."""
        if self.data_dir is None:
            raise ValueError("these settings are not resolved yet: call resolved(service) first")
        return self.data_dir
