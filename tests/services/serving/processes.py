"""The real processes of the serving tests: Triton and the service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from palmette_protos.serving.v1 import deployment_pb2_grpc
from palmette_protos.v1 import artifact_pb2_grpc, job_pb2_grpc

TRITON_VENV = Path(os.environ.get("PALMETTE_TRITON_VENV", Path(__file__).parents[3] / ".venv-triton"))
_QUICK_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Return once `condition` is true; fail with `what` after the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """One child process that can be killed and started again; its output goes to a file."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)

    @property
    def child(self) -> subprocess.Popen[bytes]:
        """The running child."""
        assert self._child is not None
        return self._child

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self) -> int:
        """End it with SIGTERM, as the launcher does; return its exit status."""
        if self.child.poll() is None:
            self.child.terminate()
        return self.child.wait(timeout=30)


class Triton(Process):
    """A real local Triton; its socket is in a short folder of its own, for paths of tests are long."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "models"
        self._sockets = tempfile.TemporaryDirectory(prefix="palmette-test-")
        self.socket = Path(self._sockets.name) / "triton:1"
        self.endpoint = f"unix:{self.socket}"
        self.metrics_port = free_port()
        self.metrics_url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        command = [sys.executable, "-m", "palmette_services.serving.triton.local_server"]
        command += ["--venv", str(TRITON_VENV), "--repository", str(self.repository)]
        command += ["--socket", str(self.socket), "--metrics-port", str(self.metrics_port)]
        super().__init__(command, folder / "triton.log")

    def client(self) -> InferenceServerClient:
        """Return a client of its own channel."""
        return InferenceServerClient(self.endpoint, channel_args=_QUICK_RECONNECT)

    def wait_ready(self) -> None:
        """Return once it answers."""
        with self.client() as client:
            wait_until(lambda: _ready(client), "Triton is ready")


def _ready(client: InferenceServerClient) -> bool:
    try:
        return bool(client.is_server_ready())
    except InferenceServerException:
        return False


class Serving(Process):
    """A real serving service, with stubs of its API."""

    def __init__(self, folder: Path, triton: Triton, store: Path) -> None:
        address = f"127.0.0.1:{free_port()}"
        environment = {
            "PALMETTE_LISTEN": address,
            "PALMETTE_DATA_DIR": str(folder / "data"),
            "PALMETTE_ARTIFACT_STORE_URL": str(store),
            "PALMETTE_TRITON_ENDPOINT": triton.endpoint,
            "PALMETTE_TRITON_METRICS_URL": triton.metrics_url,
            "PALMETTE_MODEL_REPOSITORY": str(triton.repository),
            "PALMETTE_RECONCILE_S": "0.3",
        }
        command = [sys.executable, "-m", "palmette_services.serving"]
        super().__init__(command, folder / "serving.log", environment)
        self.channel = grpc.insecure_channel(address, _QUICK_RECONNECT)
        self.artifacts = artifact_pb2_grpc.ArtifactServiceStub(self.channel)
        self.deployments = deployment_pb2_grpc.DeploymentServiceStub(self.channel)
        self.jobs = job_pb2_grpc.JobServiceStub(self.channel)

    def wait_ready(self) -> None:
        """Return once its health says SERVING."""
        health = health_pb2_grpc.HealthStub(self.channel)
        wait_until(lambda: _serving(health), "the serving service is healthy")


def _serving(health: health_pb2_grpc.HealthStub) -> bool:
    try:
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=1)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
