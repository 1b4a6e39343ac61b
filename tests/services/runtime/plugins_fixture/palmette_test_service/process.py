"""A real service in a process of its own, to be used and to be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from palmette_protos.v1 import job_pb2, job_pb2_grpc, plugin_pb2_grpc

FIXTURE = Path(__file__).parents[1]
ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], Any], within_s: float = 60.0, what: str = "") -> Any:
    """Return the condition's value once it is true; fail after `within_s`."""
    deadline_s = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {within_s:g} s: {what or condition}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Gate:
    """What a job waits for."""

    path: Path

    def open(self) -> None:
        """Let it go on."""
        self.path.touch()


class ServiceProcess:
    """``python -m palmette_test_service`` with a folder, a port and a client."""

    def __init__(self, folder: Path, module: str = "palmette_test_service", **settings: object) -> None:
        self.folder = folder
        self.module = module
        self.service = "testing"
        self.address = f"127.0.0.1:{free_port()}"
        self.process: subprocess.Popen[bytes] | None = None
        self.settings = settings
        self.paths: list[str] = []
        self.wrapper: list[str] = []
        self.log_path = folder / "service.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._channel: grpc.Channel | None = None

    def start(self, *, wait: bool = True) -> ServiceProcess:
        """Start it, and wait until it is healthy."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PALMETTE_")}
        environment |= {
            "PYTHONPATH": os.pathsep.join([str(FIXTURE), *self.paths]),
            "PALMETTE_HOME": str(self.folder),
            "PALMETTE_LISTEN": self.address,
            "PALMETTE_DATA_DIR": str(self.folder / "data"),
            **{f"PALMETTE_{name.upper()}": str(value) for name, value in self.settings.items()},
        }
        with self.log_path.open("ab") as log:
            command = [*self.wrapper, sys.executable, "-m", self.module]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        if wait:
            eventually(self.healthy, what=f"healthy service; see {self.log_path}")
        return self

    @property
    def pid(self) -> int:
        """Process id of the service."""
        assert self.process is not None
        return self.process.pid

    @property
    def channel(self) -> grpc.Channel:
        """The client's channel; made anew after a restart."""
        if self._channel is None:
            options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)]
            self._channel = grpc.insecure_channel(self.address, options=options)
        return self._channel

    @property
    def jobs(self) -> job_pb2_grpc.JobServiceStub:
        """Stub of the job service."""
        return job_pb2_grpc.JobServiceStub(self.channel)

    @property
    def plugins(self) -> plugin_pb2_grpc.PluginServiceStub:
        """Stub of the plugin service."""
        return plugin_pb2_grpc.PluginServiceStub(self.channel)

    def healthy(self, service: str = "") -> bool:
        """Tell whether health checks succeed; fails if the process has ended."""
        assert self.process is not None
        assert self.process.poll() is None, f"the service ended: {self.log_path.read_text()[-3000:]}"
        return self.health(service) == health_pb2.HealthCheckResponse.SERVING

    def health(self, service: str = "") -> int | None:
        """Return the health status; None if there is no answer."""
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            return int(health_pb2_grpc.HealthStub(self.channel).Check(request, timeout=2).status)
        except grpc.RpcError:
            return None

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask it to end; return its exit code."""
        return self._end(signal.SIGTERM)

    def stop(self) -> None:
        """Make sure that nothing of it runs any more."""
        if self.process is not None and self.process.poll() is None:
            self.terminate()
        for worker in self.workers():
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()

    def _end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def forget_channel(self) -> None:
        """Let the next call open a new channel."""
        self._channel = None

    def job(self, plugin: str, *, resources: job_pb2.Resources | None = None, **config: Any) -> job_pb2.Job:
        """Return a job message."""
        job = job_pb2.Job(plugin=plugin, seed=7, resources=resources)
        job.config.update(config)
        return job

    def submit(self, plugin: str, *, request_id: str = "", priority: int = 0, **config: Any) -> str:
        """Submit a job; return its name."""
        job = self.job(plugin, **config)
        job.priority = priority
        request = job_pb2.SubmitJobRequest(parent=f"services/{self.service}", job=job, request_id=request_id)
        return str(self.jobs.SubmitJob(request, timeout=60).job.name)

    def get(self, name: str) -> job_pb2.Job:
        """Return a job."""
        return self.jobs.GetJob(job_pb2.GetJobRequest(name=name), timeout=10).job

    def wait(self, name: str, within_s: float = 120.0) -> job_pb2.Job:
        """Return a job once it has ended."""
        eventually(lambda: self.get(name).state in ENDED, within_s, f"end of {name}")
        return self.get(name)

    def wait_for_state(self, name: str, state: int, within_s: float = 60.0) -> job_pb2.Job:
        """Return a job once it is in a state."""
        eventually(lambda: self.get(name).state == state, within_s, f"{name} in state {state}")
        return self.get(name)

    def submit_held(self, **config: Any) -> tuple[str, Gate]:
        """Submit a job that walks 30 steps and waits before the tenth; return its name and the gate."""
        gate = Gate(self.folder / f"gate-{uuid.uuid4().hex}")
        return self.submit("steps", **{"steps": 30, "hold_at": 10, "gate": str(gate.path), **config}), gate

    def wait_until_held(self, name: str) -> None:
        """Wait until a job waits at its gate."""
        eventually(lambda: self.get(name).progress.message == "waiting", what=f"{name} at its gate")

    def watch(self, name: str, after: int = 0, timeout_s: float = 60.0) -> Iterator[job_pb2.JobEvent]:
        """Yield a job's events."""
        request = job_pb2.WatchJobRequest(name=name, after_sequence=after)
        for response in self.jobs.WatchJob(request, timeout=timeout_s):
            yield response.event

    def events(self, name: str) -> list[job_pb2.JobEvent]:
        """Return all events of a job that has ended."""
        return list(self.watch(name))

    def workers(self) -> list[psutil.Process]:
        """Return the processes that lead a session of their own and were started for this service."""
        return [process for process in psutil.process_iter() if self._is_worker(process)]

    def _is_worker(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error, OSError):
            ours = process.environ().get("PALMETTE_LISTEN") == self.address
            return ours and process.pid != self.pid and os.getsid(process.pid) == process.pid
        return False

    def worker(self) -> psutil.Process:
        """Return the one worker that runs."""
        workers = eventually(self.workers, what="a worker")
        assert len(workers) == 1
        return workers[0]


def last(events: list[job_pb2.JobEvent], kind: str) -> Any:
    """Return the newest event of a kind."""
    return next(getattr(event, kind) for event in reversed(events) if event.WhichOneof("event") == kind)


def free_address() -> str:
    """Return an address that nobody listens on now."""
    return f"127.0.0.1:{free_port()}"


def metric(service: ServiceProcess, name: str) -> float:
    """Return a value of the service's Prometheus endpoint; `name` may have labels."""
    with urllib.request.urlopen(f"http://{service.settings['metrics_listen']}/metrics", timeout=5) as response:
        lines = response.read().decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.rsplit(" ", 1)[0] == name)
