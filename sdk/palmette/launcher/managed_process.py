"""One process under supervision: started, probed, started again when it crashes, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from palmette.launcher.plan import ProcessPlan
from palmette.launcher.state import ProcessPhase, ProcessState

_PROBE_PAUSE_S = 0.1
_FIRST_BACKOFF_S = 0.2
_MAX_BACKOFF_S = 30.0
_STEADY_S = 60.0  # after this long without a crash the next one counts as the first
_LOG_LIMIT_BYTES = 20 << 20
_DOES_NOT_START = 3


class DoesNotStart(Exception):  # noqa: N818 - it says what happened
    """A process ended several times before it was ever ready."""


class ManagedProcess:
    """Keeps the process of a plan running until it is told to stop."""

    def __init__(self, plan: ProcessPlan, changed: Callable[[], None]) -> None:
        self.plan = plan
        self.state = ProcessState(plan.name, str(plan.log), dict(plan.ports), dict(plan.sockets))
        self.ready = asyncio.Event()
        self._changed = changed
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def keep_running(self) -> None:
        """Run it, again and again if need be, until `stop`.

        Raises:
            DoesNotStart: It crashed several times without ever having been ready.
        """
        crashes, was_ready = 0, False
        while not self._stopping.is_set():
            started_s = time.monotonic()
            await self._start()
            if self._stopping.is_set():  # while it was being started
                await self.stop()
            code = await self._wait_and_probe()
            was_ready = was_ready or self.ready.is_set()
            self.ready.clear()
            self.state.pid = 0
            if self._stopping.is_set():
                break
            crashes = 1 if time.monotonic() - started_s > _STEADY_S else crashes + 1
            if not was_ready and crashes >= _DOES_NOT_START:
                self._enter(ProcessPhase.CRASHED, how_it_ended(code))
                raise DoesNotStart(f"{self.plan.name} {how_it_ended(code)}:\n{log_tail(self.plan.log)}")
            await self._pause(code, min(_FIRST_BACKOFF_S * 2 ** (crashes - 1), _MAX_BACKOFF_S))
        self._enter(ProcessPhase.STOPPED)

    async def stop(self) -> None:
        """Ask it to stop, and kill it with everything it started if it does not within its grace."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._enter(ProcessPhase.STOPPING)
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self.plan.grace_s):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _start(self) -> None:
        self.plan.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(self.plan.log)
        with self.plan.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the launcher alone, which stops everything in order.
            self._process = await asyncio.create_subprocess_exec(
                *self.plan.command,
                env=dict(self.plan.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.state.pid = self._process.pid
        with contextlib.suppress(psutil.NoSuchProcess):
            self.state.create_time_s = psutil.Process(self._process.pid).create_time()
        self._enter(ProcessPhase.STARTING)

    async def _wait_and_probe(self) -> int:
        """Wait for the process's end, and say meanwhile when it is ready; return its exit code."""
        if self._process is None:
            raise RuntimeError("not started")
        probing = asyncio.create_task(self._probe_until_ready())
        try:
            return await self._process.wait()
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)

    async def _probe_until_ready(self) -> None:
        while reason := await self.plan.probe():
            if not self._stopping.is_set():
                self._enter(ProcessPhase.STARTING, reason)
            await asyncio.sleep(_PROBE_PAUSE_S)
        self.ready.set()
        self._enter(ProcessPhase.READY)

    async def _pause(self, code: int, backoff_s: float) -> None:
        self.state.restarts += 1
        self._enter(ProcessPhase.CRASHED, f"{how_it_ended(code)}; starts again in {backoff_s:.1f} s")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(backoff_s):
                await self._stopping.wait()

    def _enter(self, phase: ProcessPhase, detail: str = "") -> None:
        if (phase, detail) != (self.state.phase, self.state.detail):
            self.state.enter(phase, detail)
            self._changed()


def how_it_ended(code: int) -> str:
    """Return ``exited with code 3`` or ``was killed by SIGKILL``."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"


def log_tail(path: Path, lines: int = 12) -> str:
    """Return the last lines of a log, indented."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 16_384))
        tail = log.read().decode(errors="replace").splitlines()[-lines:]
    return "\n".join(f"  | {line}" for line in tail)


def _rotate(path: Path) -> None:
    """Keep one older log, so that a suite that runs for months does not fill the disk."""
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
