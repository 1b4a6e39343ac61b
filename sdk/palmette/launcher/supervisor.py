"""Starts a suite's processes in order, keeps them running, and stops them in order."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

from palmette.errors import SuiteDidNotStart
from palmette.home import Home
from palmette.launcher.managed_process import ManagedProcess, log_tail
from palmette.launcher.plan import SuitePlan
from palmette.launcher.state import Phase, ProcessPhase, SuiteState, write_json
from palmette.version import __version__

START_LIMIT_S = 120.0


class Supervisor:
    """Runs a suite from start to stop; `state` is always current and is told to `watcher` at every change."""

    def __init__(self, home: Home, plan: SuitePlan, watcher: Callable[[SuiteState], None] | None = None) -> None:
        self._home = home
        self._plan = plan
        self._watcher = watcher
        self._stop = asyncio.Event()
        self._processes = {process.name: ManagedProcess(process, self._changed) for process in plan.processes}
        self.state = SuiteState(os.getpid(), processes=[p.state for p in self._processes.values()])

    def request_stop(self) -> None:
        """Stop everything; `run` returns when that is done."""
        self._stop.set()

    async def run(self) -> None:
        """Run the suite until a stop is requested (SIGTERM and SIGINT request one).

        Raises:
            SuiteDidNotStart: A part did not become ready; everything was stopped again.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        keepers = [asyncio.create_task(self._keep(process)) for process in self._processes.values()]
        failure = ""
        try:
            failure = await self._start(keepers)
            if not failure and not self._stop.is_set():
                self._enter(Phase.RUNNING)
                self._changed()
                await self._until_stopped(keepers)
        finally:
            self._home.endpoints.unlink(missing_ok=True)
            self._enter(Phase.STOPPING)
            await self._stop_in_order()
            await asyncio.gather(*keepers, return_exceptions=True)
            self._enter(Phase.FAILED if failure else Phase.STOPPED, failure)
        if failure:
            raise SuiteDidNotStart(failure)

    async def _start(self, keepers: list[asyncio.Task[None]]) -> str:
        """Wait until everything is ready or a stop is requested; return why it will not be, or nothing."""
        all_ready = asyncio.create_task(self._all_ready())
        stop = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait(
                {all_ready, stop, *keepers}, timeout=START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            all_ready.cancel()
            stop.cancel()
            await asyncio.gather(all_ready, stop, return_exceptions=True)
        failures = [str(task.exception()) for task in keepers if task in done and task.exception()]
        if failures:
            return failures[0]
        return "" if done else self._too_slow()

    async def _until_stopped(self, keepers: list[asyncio.Task[None]]) -> None:
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({stop, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        await asyncio.gather(stop, return_exceptions=True)

    def _too_slow(self) -> str:
        slow = [p for p in self._processes.values() if not p.ready.is_set()]
        tails = [f"{p.plan.name} ({p.state.detail or p.state.phase}):\n{log_tail(p.plan.log)}" for p in slow]
        return f"not ready after {START_LIMIT_S:.0f} s: " + "\n".join(tails)

    async def _all_ready(self) -> None:
        for process in self._processes.values():
            await process.ready.wait()

    async def _keep(self, process: ManagedProcess) -> None:
        for name in process.plan.after:
            ready = asyncio.create_task(self._processes[name].ready.wait())
            stop = asyncio.create_task(self._stop.wait())
            await asyncio.wait({ready, stop}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            stop.cancel()
            if self._stop.is_set():
                process.state.enter(ProcessPhase.STOPPED)
                return
        await process.keep_running()

    async def _stop_in_order(self) -> None:
        """Stop the public side first, so that nothing new comes in while the rest finishes."""
        self._stop.set()
        for stage in sorted({process.plan.stage for process in self._processes.values()}, reverse=True):
            await asyncio.gather(*(p.stop() for p in self._processes.values() if p.plan.stage == stage))

    def _enter(self, phase: Phase, error: str = "") -> None:
        self.state.phase, self.state.error = phase, error
        self._changed()

    def _changed(self) -> None:
        # In this order: whoever reads that the suite runs finds its endpoints.
        if self.state.phase is Phase.RUNNING:
            write_json(self._home.endpoints, self._endpoints())
        self.state.write(self._home.state)
        if self._watcher:
            self._watcher(self.state)

    def _endpoints(self) -> dict[str, object]:
        return {
            "gateway": self._plan.gateway,
            "version": __version__,
            "pid": self.state.pid,
            "started": datetime.fromtimestamp(self.state.started_s, UTC).isoformat(),
            "written": datetime.fromtimestamp(time.time(), UTC).isoformat(),
            "processes": {
                process.name: {
                    "pid": process.pid,
                    "ports": dict(process.ports),
                    "sockets": dict(process.sockets),
                    "log": process.log,
                }
                for process in self.state.processes
            },
        }
