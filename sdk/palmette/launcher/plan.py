"""What to start: every process with its command line, environment and probe."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from palmette.errors import FailedPrecondition
from palmette.home import Home
from palmette.launcher.installed import GATEWAY, TRITON, TRITON_SERVICE, Installed
from palmette.launcher.internal_secret import internal_secret_file
from palmette.launcher.ports import HOST, free_ports
from palmette.launcher.probes import Probe, grpc_health, http_ok, service_ready, triton_ready

# A suite that is started stands in nobody's name: these are for clients.
_CLIENT_VARIABLES = ("PALMETTE_ENDPOINT", "PALMETTE_TOKEN")
# JSON lines, as every other process writes them: %j is the message, escaped.
_ENVOY_LOG = '{"time":"%Y-%m-%dT%T.%fZ","level":"%l","logger":"envoy.%n","event":"%j"}'


@dataclass(frozen=True)
class ProcessPlan:
    """One process.

    Attributes:
        stage: Later stages are stopped first; processes of one stage know nothing of each other.
        after: Processes that must be ready before it starts.
        ports: What it listens on, by purpose.
        sockets: Unix domain sockets that it listens on, by purpose.
        grace_s: Time that it gets to stop.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    probe: Probe
    log: Path
    stage: int
    after: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    sockets: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 20.0


@dataclass(frozen=True)
class SuitePlan:
    """All processes in the order in which they are started, and the one public address."""

    processes: tuple[ProcessPlan, ...]
    port: int
    tls: bool

    @property
    def gateway(self) -> str:
        """URL of the gateway."""
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"


def make_plan(home: Home, installed: Installed, port: int, base: Mapping[str, str], sockets: Path) -> SuitePlan:
    """Plan a suite below `home`, on free loopback ports, with `port` as its public one.

    Args:
        sockets: Folder for Unix domain sockets, which only the user may enter.

    Raises:
        FailedPrecondition: A part that nothing works without is not installed.
    """
    if not installed.gateway or installed.envoy is None or not installed.services:
        raise FailedPrecondition(
            "the suite is not installed beside this SDK (palmette-gateway[local] and palmette-services are needed); "
            "in a checkout, `make setup` installs everything"
        )
    common = {key: value for key, value in base.items() if key not in _CLIENT_VARIABLES}
    common |= {"PALMETTE_HOME": str(home.root), "PALMETTE_ARTIFACT_STORE_URL": str(home.artifacts)}
    common["PALMETTE_INTERNAL_SECRET_FILE"] = str(internal_secret_file(home))
    processes: list[ProcessPlan] = []
    triton = _triton(home, installed.triton_venv, common, sockets) if _wants_triton(installed) else None
    if triton:
        processes.append(triton)
        common |= {
            "PALMETTE_TRITON_ENDPOINT": f"unix:{triton.sockets['grpc']}",
            "PALMETTE_TRITON_METRICS_URL": f"http://{HOST}:{triton.ports['metrics']}/metrics",
            "PALMETTE_MODEL_REPOSITORY": str(home.model_repository),
        }
    common.setdefault("PALMETTE_TRITON_PYTHON_BACKEND", "python")
    services = [_service(home, name, common) for name in installed.services]
    gateway = _gateway(home, services, port, common)
    processes += [*services, gateway, _envoy(home, installed.envoy, gateway, common)]
    return SuitePlan(tuple(processes), port, tls=bool(base.get("PALMETTE_TLS_CERT")))


def _wants_triton(installed: Installed) -> bool:
    return TRITON_SERVICE in installed.services and installed.triton_venv is not None


def _triton(home: Home, venv: Path | None, common: Mapping[str, str], sockets: Path) -> ProcessPlan:
    (metrics_port,) = free_ports(1)
    # No port: Triton lets whoever reaches it run code. It demands a number at the end of the name.
    socket = sockets / "triton:1"
    command = [sys.executable, "-m", TRITON, "--venv", str(venv), "--repository", str(home.model_repository)]
    command += ["--socket", str(socket), "--metrics-port", str(metrics_port)]
    return ProcessPlan(
        name="triton",
        command=tuple(command),
        environment=common,
        probe=triton_ready(f"unix:{socket}"),
        log=home.logs / "triton.log",
        stage=0,
        ports={"metrics": metrics_port},
        sockets={"grpc": str(socket)},
    )


def _service(home: Home, name: str, common: Mapping[str, str]) -> ProcessPlan:
    grpc_port, metrics_port = free_ports(2)
    environment = {
        **common,
        "PALMETTE_LISTEN": f"{HOST}:{grpc_port}",
        "PALMETTE_METRICS_LISTEN": f"{HOST}:{metrics_port}",
        "PALMETTE_DATA_DIR": str(home.data / name),
    }
    environment.setdefault("PALMETTE_DATABASE_URL", f"sqlite:///{home.databases / f'{name}.sqlite3'}")
    return ProcessPlan(
        name=name,
        command=(sys.executable, "-m", f"palmette_services.{name}"),
        environment=environment,
        probe=service_ready(f"{HOST}:{grpc_port}", internal_secret_file(home)),
        log=home.logs / f"{name}.log",
        stage=1,
        ports={"grpc": grpc_port, "metrics": metrics_port},
    )


def _gateway(home: Home, services: list[ProcessPlan], port: int, common: Mapping[str, str]) -> ProcessPlan:
    grpc_port, dashboard_port, admin_port, metrics_port = free_ports(4)
    environment = {
        **common,
        "PALMETTE_GATEWAY_LISTEN": f"{HOST}:{grpc_port}",
        "PALMETTE_DASHBOARD_LISTEN": f"{HOST}:{dashboard_port}",
        "PALMETTE_ENVOY_LISTEN": f"{HOST}:{port}",
        "PALMETTE_ENVOY_ADMIN": f"{HOST}:{admin_port}",
        "PALMETTE_ENVOY_CONFIG_DIR": str(home.envoy),
        "PALMETTE_METRICS_LISTEN": f"{HOST}:{metrics_port}",
        "PALMETTE_SERVICES": json.dumps({s.name: f"{HOST}:{s.ports['grpc']}" for s in services}),
        "PALMETTE_AUTH_DIR": str(home.auth),
    }
    return ProcessPlan(
        name="gateway",
        command=(sys.executable, "-m", GATEWAY),
        environment=environment,
        probe=grpc_health(f"{HOST}:{grpc_port}"),
        log=home.logs / "gateway.log",
        stage=2,
        ports={"grpc": grpc_port, "dashboard": dashboard_port, "metrics": metrics_port, "envoy_admin": admin_port},
    )


def _envoy(home: Home, binary: Path, gateway: ProcessPlan, common: Mapping[str, str]) -> ProcessPlan:
    command = [str(binary), "-c", str(home.envoy / "envoy.yaml"), "--log-level", "warning", "--log-format", _ENVOY_LOG]
    # Hot restart shares memory by an id of the whole machine: two suites would collide, and nothing here uses it.
    command += ["--disable-hot-restart", "--concurrency", str(min(4, os.cpu_count() or 1))]
    admin = gateway.ports["envoy_admin"]
    port = int(gateway.environment["PALMETTE_ENVOY_LISTEN"].rpartition(":")[2])
    return ProcessPlan(
        name="envoy",
        command=tuple(command),
        environment=common,
        probe=http_ok(HOST, admin, "/ready"),
        log=home.logs / "envoy.log",
        stage=3,
        after=("gateway",),  # which writes its configuration
        ports={"public": port, "admin": admin},
        grace_s=5.0,
    )
