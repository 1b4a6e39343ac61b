"""Workers as processes of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterable
from pathlib import Path

import orjson

from palmette_plugins.api.errors import FieldViolation
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.executors.executor import Executor, WorkerExit, WorkerLaunch
from palmette_services.runtime.processes.exits import process_runs, wait_for_exit
from palmette_services.runtime.processes.forked import ForkedProcess
from palmette_services.runtime.processes.forkserver import Forkserver
from palmette_services.runtime.scheduling.capacity import Capacity, impossible
from palmette_services.runtime.worker.process import run_worker

_TAIL_BYTES = 4096
_HOST = socket.gethostname()


class LocalExecutor(Executor):
    """Forks one process per attempt, leader of its own session.

    Args:
        forkserver: Where processes come from.
        capacity: What all jobs together may use.
        default_cpu: Cores of a job that does not ask.
    """

    def __init__(self, forkserver: Forkserver, capacity: Capacity, default_cpu: float) -> None:
        self._forkserver = forkserver
        self._capacity = capacity
        self._default_cpu = default_cpu
        self._children: dict[str, ForkedProcess] = {}

    @property
    def capacity(self) -> Capacity:
        """What all jobs together may use."""
        return self._capacity

    def violations(self, resources: job_pb2.Resources) -> Iterable[FieldViolation]:
        """Yield what a job asks for and this machine does not have."""
        if resources.nodes > 1:
            yield FieldViolation("job.resources.nodes", "this service runs jobs on one machine; leave it at 1")
        yield from impossible(resources, self._capacity, self._default_cpu)

    async def warm(self) -> None:
        """Start the forkserver."""
        await self._forkserver.warm()

    async def start(self, launch: WorkerLaunch) -> str:
        """Fork a worker."""
        Path(launch.log_path).parent.mkdir(parents=True, exist_ok=True)
        forked = await self._forkserver.start(run_worker, launch)
        known = {
            "host": _HOST,
            "pid": forked.pid,
            "created_s": forked.created_s,
            "gpus": launch.gpus,
            "log": launch.log_path,
        }
        handle = orjson.dumps(known).decode()
        self._children[handle] = forked
        return handle

    async def alive(self, handle: str) -> bool:
        """Tell whether the worker's process still runs."""
        known = orjson.loads(handle)
        return known["host"] == _HOST and process_runs(known["pid"], known["created_s"])

    def gpus(self, handle: str) -> tuple[int, ...]:
        """Return the indices of the GPUs that the worker has."""
        known = orjson.loads(handle)
        return tuple(known["gpus"]) if known["host"] == _HOST else ()

    async def wait(self, handle: str) -> WorkerExit:
        """Wait for the end of the process; what it left behind in its session is killed."""
        known = orjson.loads(handle)
        if known["host"] != _HOST:  # it ended itself there when its lease ran out
            return WorkerExit(f"the worker on {known['host']} was not heard any more", "see that machine's log")
        forked = self._children.pop(handle, None)
        code = await self._forkserver.exit_code(forked) if forked is not None else None
        if code is None:  # not our child, or the forkserver died and cannot tell
            await wait_for_exit(known["pid"], known["created_s"])
        _kill_session(known["pid"])
        return _exit(code, _tail(Path(known["log"])))

    async def kill(self, handle: str) -> None:
        """Kill the process and its session."""
        known = orjson.loads(handle)
        if await self.alive(handle):
            with contextlib.suppress(ProcessLookupError):
                os.kill(known["pid"], signal.SIGKILL)
            _kill_session(known["pid"])


def _kill_session(pid: int) -> None:
    """Kill every process of the group that a worker led: data loaders, compilers."""
    if pid > 1:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _exit(code: int | None, output_tail: str) -> WorkerExit:
    if code == 0:
        return WorkerExit("", output_tail=output_tail)
    if code is None:
        return WorkerExit("the worker disappeared", "see the end of its log", output_tail)
    if code < 0:
        name = signal.Signals(-code).name
        return WorkerExit(f"the worker was killed by {name}", _ADVICE.get(name, _NATIVE), output_tail)
    return WorkerExit(f"the worker ended by itself with exit code {code}", "see the end of its log", output_tail)


_NATIVE = "native code of the plugin or of a library crashed; see the end of its log"
_ADVICE = {
    "SIGKILL": "if nobody killed it, the machine ran out of memory: use a smaller batch or model, or fewer slots",
    "SIGTERM": "somebody stopped it; retry the job to go on from its last checkpoint",
}


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
