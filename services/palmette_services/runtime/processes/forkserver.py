"""Starting processes that find torch already loaded, in tens of milliseconds."""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.forkserver
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from typing import Any

import psutil
import structlog

from palmette_services.runtime.processes.exits import wait_for_exit
from palmette_services.runtime.processes.forked import ForkedProcess
from palmette_services.runtime.processes.server_process import kill_server, stop_server

MODULES_VARIABLE = "PALMETTE_FORKSERVER_MODULES"
PATIENCE_VARIABLE = "PALMETTE_FORKSERVER_PATIENCE_S"
NICE_VARIABLE = "PALMETTE_FORKSERVER_NICE"
_PRELOAD = "palmette_services.runtime.processes.preload"
_STOPPING = "the service is stopping"
_KILL_EVERY_S = 0.1
_TELL_S = 5.0  # a forkserver that lives tells of the end of a process at once
_log = structlog.get_logger(__name__)


class ForkFailed(OSError):  # noqa: N818 - told to callers in their own words
    """No process could be forked; the message says why."""


class Forkserver:
    """Forks processes from a server process that has loaded the modules of `preload`.

    The standard library's forkserver does the work. Its calls block and are not made for several threads, so
    all of them are made in one thread of its own. A server that died, or that does not fork within
    `start_timeout_s`, is killed and started again. The server and what it forks run with `niceness`: on a machine
    that serves too, training gets what serving leaves.
    """

    def __init__(self, preload: str, start_timeout_s: float = 120.0, niceness: int = 0) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([_PRELOAD])
        self._preload = preload
        self._start_timeout_s = start_timeout_s
        self._niceness = niceness
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forkserver")
        self._starting = asyncio.Lock()
        self._closed = False

    async def warm(self) -> None:
        """Start the server, so that it loads its modules in the background."""
        await self._run(self._ensure_running)

    async def start(self, target: Callable[..., None], *arguments: Any) -> ForkedProcess:
        """Fork a process that runs ``target(*arguments)``; arguments may hold sockets.

        Raises:
            ForkFailed: The server did not fork in time, or died over it, twice.
        """
        async with self._starting:
            try:
                return await self._start_once(target, arguments)
            except ForkFailed as error:
                if self._closed:
                    raise
                _log.error("the forkserver is started again", reason=str(error))
            return await self._start_once(target, arguments)

    async def exit_code(self, forked: ForkedProcess) -> int | None:
        """Wait for the end of a process; return its exit code (-N: killed by signal N; None: unknown)."""
        told = asyncio.create_task(_sentinel_ready(forked.process))
        ended = asyncio.create_task(wait_for_exit(forked.pid, forked.created_s))
        try:
            await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({told}, timeout=_TELL_S)
            if not told.done():
                _log.error("the forkserver does not tell how a process ended", pid=forked.pid)
                return None
        finally:
            told.cancel()
            ended.cancel()
            await asyncio.gather(told, ended, return_exceptions=True)
        code: int | None = await self._run(_exit_code, forked.process)
        return code

    async def restart(self, reason: str) -> None:
        """Kill the server: the next start makes a new one."""
        _log.error("the forkserver is started again", reason=reason)
        await self._run_killing(stop_server)

    async def close(self) -> None:
        """Kill the server, in whatever it does. Processes that it forked live on."""
        self._closed = True
        await self._run_killing(stop_server)
        self._thread.shutdown()

    def _ensure_running(self) -> None:
        if self._closed:
            raise ForkFailed(_STOPPING)
        # A module that asks for GPUs while it is preloaded must not start CUDA: no process forked after that could.
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
        os.environ[MODULES_VARIABLE] = self._preload
        os.environ[PATIENCE_VARIABLE] = f"{self._start_timeout_s:g}"
        os.environ[NICE_VARIABLE] = str(self._niceness)
        try:
            multiprocessing.forkserver.ensure_running()
        finally:
            # For the forkserver, not for every other child.
            del os.environ[MODULES_VARIABLE], os.environ[PATIENCE_VARIABLE], os.environ[NICE_VARIABLE]

    def _start(self, target: Callable[..., None], arguments: tuple[Any, ...]) -> ForkedProcess:
        self._ensure_running()
        process: BaseProcess = self._context.Process(target=target, args=arguments)
        process.start()
        pid = process.pid or 0
        try:
            created_s = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            created_s = 0.0  # ended at once; its exit code tells how
        return ForkedProcess(process, pid, created_s)

    async def _start_once(self, target: Callable[..., None], arguments: tuple[Any, ...]) -> ForkedProcess:
        starting = self._call(self._start, target, arguments)
        starting.add_done_callback(lambda call: call.cancelled() or call.exception())  # if the caller has left
        await asyncio.wait({starting}, timeout=self._start_timeout_s)
        overdue = not starting.done()
        if overdue:
            await self._killing_until(starting)
        try:
            forked: ForkedProcess = await starting  # perhaps it came through at the last moment
        except (OSError, EOFError) as error:
            if self._closed:
                raise ForkFailed(_STOPPING) from None
            await self._run_killing(stop_server)
            why = f"it did not fork a process within {self._start_timeout_s:g} s" if overdue else f"it died ({error!r})"
            raise ForkFailed(f"the process that loads torch failed: {why}; the service's log tells more") from None
        return forked

    async def _run_killing(self, function: Callable[..., Any]) -> None:
        """Run what must not wait for the server's own ways."""
        call = self._call(function)
        await self._killing_until(call)
        await call

    async def _killing_until(self, call: asyncio.Future[Any]) -> None:
        """Kill the server until a call that it may hold up is through."""
        while not call.done():
            kill_server()
            await asyncio.wait({call}, timeout=_KILL_EVERY_S)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await self._call(function, *arguments)


async def _sentinel_ready(process: BaseProcess) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(process.sentinel, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(process.sentinel)


def _exit_code(process: BaseProcess) -> int | None:
    process.join()
    code = process.exitcode
    process.close()
    # 255 is what the standard library says when the forkserver died before it could tell.
    return None if code == 255 else code
