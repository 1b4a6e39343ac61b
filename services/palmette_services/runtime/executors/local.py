"""Workers as processes of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import structlog
from google.rpc import code_pb2

from palmette_plugins.api.errors import FieldViolation
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.executors.executor import Executor, WorkerExit, WorkerLaunch
from palmette_services.runtime.executors.memory_watch import wait_until_exceeded
from palmette_services.runtime.jobs.failures import JobFailure
from palmette_services.runtime.processes.exits import process_runs, wait_for_exit
from palmette_services.runtime.processes.forked import ForkedProcess
from palmette_services.runtime.processes.forkserver import Forkserver
from palmette_services.runtime.scheduling.capacity import Capacity, impossible
from palmette_services.runtime.worker.process import run_worker

_TAIL_BYTES = 4096
_HOST = socket.gethostname()
_log = structlog.get_logger(__name__)


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
            "memory_bytes": launch.memory_bytes,
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
        exited = asyncio.create_task(self._exit_code(known, self._children.pop(handle, None)))
        fault = await _fault_before(exited, known["pid"], known.get("memory_bytes", 0))
        if fault is not None:
            _log.warning("killing a worker", pid=known["pid"], cause=fault.message)
            await self.kill(handle)
        code = await exited
        _kill_session(known["pid"])
        ended = _exit(code, _tail(Path(known["log"])))
        return ended if fault is None else replace(ended, cause=fault.message, fault=fault)

    async def kill(self, handle: str) -> None:
        """Kill the process and its session."""
        known = orjson.loads(handle)
        if await self.alive(handle):
            with contextlib.suppress(ProcessLookupError):
                os.kill(known["pid"], signal.SIGKILL)
            _kill_session(known["pid"])

    async def _exit_code(self, known: dict[str, Any], forked: ForkedProcess | None) -> int | None:
        code = await self._forkserver.exit_code(forked) if forked is not None else None
        if code is None:  # not our child, or the forkserver died and cannot tell
            await wait_for_exit(known["pid"], known["created_s"])
        return code


async def _fault_before(exited: asyncio.Task[int | None], pid: int, limit_bytes: int) -> JobFailure | None:
    """Return what the job did that its worker must be killed for; None once it has ended by itself."""
    if not limit_bytes:
        return None
    exceeded = asyncio.create_task(wait_until_exceeded(pid, limit_bytes))
    try:
        await asyncio.wait({exited, exceeded}, return_when=asyncio.FIRST_COMPLETED)
        return None if exited.done() else _memory_exceeded(limit_bytes, exceeded.result())
    finally:
        exceeded.cancel()
        await asyncio.gather(exceeded, return_exceptions=True)


def _memory_exceeded(limit_bytes: int, peak_bytes: int) -> JobFailure:
    cause = f"killed: memory limit {_size(limit_bytes)} exceeded, peak {_size(peak_bytes)}"
    advice = "ask for more in resources.memory_bytes, or use a smaller batch or model"
    return JobFailure(f"{cause}; {advice}", "MemoryLimitExceeded", code=code_pb2.RESOURCE_EXHAUSTED)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.4g} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.4g} MB"


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
