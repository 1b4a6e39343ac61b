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

MODULES_VARIABLE = "PALMETTE_FORKSERVER_MODULES"
_PRELOAD = "palmette_services.runtime.processes.preload"


class Forkserver:
    """Forks processes from a server process that has loaded the modules of `preload`.

    The standard library's forkserver does the work. Its calls block and are not made for several threads, so
    all of them are made in one thread of its own. A killed server is started again by the next fork.
    """

    def __init__(self, preload: str) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([_PRELOAD])
        self._preload = preload
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forkserver")

    async def warm(self) -> None:
        """Start the server, so that it loads its modules in the background."""
        await self._run(self._ensure_running)

    async def start(self, target: Callable[..., None], *arguments: Any) -> BaseProcess:
        """Fork a process that runs ``target(*arguments)``; arguments may hold sockets."""
        process: BaseProcess = await self._run(self._start, target, arguments)
        return process

    async def exit_code(self, process: BaseProcess) -> int | None:
        """Wait for the end of a process; return its exit code (-N: killed by signal N; None: unknown)."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(process.sentinel)
        code: int | None = await self._run(_exit_code, process)
        return code

    async def close(self) -> None:
        """Stop the server. Processes that it forked live on."""
        await self._run(_stop_server)
        self._thread.shutdown()

    def _ensure_running(self) -> None:
        # A module that asks for GPUs while it is preloaded must not start CUDA: no process forked after that could.
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
        os.environ[MODULES_VARIABLE] = self._preload
        try:
            multiprocessing.forkserver.ensure_running()
        finally:
            del os.environ[MODULES_VARIABLE]  # for the forkserver, not for every other child

    def _start(self, target: Callable[..., None], arguments: tuple[Any, ...]) -> BaseProcess:
        self._ensure_running()
        process: BaseProcess = self._context.Process(target=target, args=arguments)
        process.start()
        return process

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


def _exit_code(process: BaseProcess) -> int | None:
    process.join()
    code = process.exitcode
    process.close()
    # 255 is what the standard library says when the forkserver died before it could tell.
    return None if code == 255 else code


def _stop_server() -> None:
    multiprocessing.forkserver._forkserver._stop()  # type: ignore[attr-defined]
