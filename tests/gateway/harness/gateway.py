"""A running gateway: control plane and Envoy, in front of given upstreams."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
from tests.gateway.harness.ports import free_ports, listens
from tests.gateway.harness.process import Process, start_envoy, start_gateway
from tests.gateway.harness.upstream import Upstream
from tests.gateway.harness.waiting import wait_for

from palmette_gateway.access.roles import Role
from palmette_gateway.access.signing_key import load_or_create
from palmette_gateway.access.tokens import Tokens

Metadata = tuple[tuple[str, str], ...]


class RunningGateway:
    """The processes, and the ways to call them."""

    def __init__(
        self,
        folder: Path,
        services: Mapping[str, Upstream],
        triton: Upstream | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        control, dashboard, public, admin, metrics = free_ports(5)
        self.control_port, self.dashboard_port, self.public_port, self.admin_port = control, dashboard, public, admin
        self.metrics_port = metrics
        self.environment = {
            "PALMETTE_GATEWAY_LISTEN": f"127.0.0.1:{control}",
            "PALMETTE_DASHBOARD_LISTEN": f"127.0.0.1:{dashboard}",
            "PALMETTE_ENVOY_LISTEN": f"127.0.0.1:{public}",
            "PALMETTE_ENVOY_ADMIN": f"127.0.0.1:{admin}",
            "PALMETTE_METRICS_LISTEN": f"127.0.0.1:{metrics}",
            "PALMETTE_ENVOY_CONFIG_DIR": str(folder / "envoy"),
            "PALMETTE_AUTH_DIR": str(folder / "auth"),
            "PALMETTE_SERVICES": json.dumps({name: upstream.address for name, upstream in services.items()}),
            "PALMETTE_TRITON_ENDPOINT": triton.address if triton else "",
            "PALMETTE_LOG_FORMAT": "console",
            **(settings or {}),
        }
        self.start_control_plane()
        self.start_envoy()
        self.tokens = Tokens(load_or_create(folder / "auth"))
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{public}", options=[("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{public}", timeout=30)

    def start_control_plane(self) -> None:
        """Start it and wait until it serves."""
        self.control_plane: Process = start_gateway(self.environment, self.folder / "gateway.log")
        self._wait(self.control_plane, self.control_port)

    def start_envoy(self) -> None:
        """Start it and wait until it serves."""
        self.envoy: Process = start_envoy(self.folder / "envoy", self.folder / "envoy.log")
        self._wait(self.envoy, self.public_port)

    def stop(self) -> None:
        """End both."""
        self.channel.close()
        self.http.close()
        self.envoy.stop()
        self.control_plane.stop()

    def token(self, role: Role = Role.ADMIN, subject: str = "tester", lifetime: timedelta = timedelta(hours=1)) -> str:
        """A token as the gateway would issue it."""
        return self.tokens.issue(subject, role, lifetime)[0]

    def metadata(self, role: Role = Role.ADMIN, subject: str = "tester", **more: str) -> Metadata:
        """Metadata of a caller with this role."""
        extra = tuple((key.replace("_", "-"), value) for key, value in more.items())
        return (("authorization", f"Bearer {self.token(role, subject)}"), *extra)

    def headers(self, role: Role = Role.ADMIN) -> dict[str, str]:
        """HTTP headers of a caller with this role."""
        return {"authorization": f"Bearer {self.token(role)}"}

    def call(self, path: str, message: bytes = b"", metadata: Metadata = (), timeout_s: float | None = 15) -> bytes:
        """Call a unary method by its path, with bytes."""
        method = self.channel.unary_unary(path, _registered_method=False)
        response: bytes = method(message, metadata=metadata, timeout=timeout_s)
        return response

    def stat(self, name: str) -> int:
        """One of Envoy's statistics."""
        stats: list[dict[str, Any]] = httpx.get(
            f"http://127.0.0.1:{self.admin_port}/stats", params={"format": "json", "filter": f"^{name}$"}
        ).json()["stats"]
        return next((int(stat["value"]) for stat in stats if "name" in stat), 0)

    def _wait(self, process: Process, port: int) -> None:
        wait_for(lambda: listens(port) or not process.alive, f"port {port} of {process.log.name}", 60)
        assert process.alive, process.output
