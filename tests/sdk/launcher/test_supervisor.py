"""The supervisor with real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from tests.sdk.deadlines import wait_until

from palmette.errors import SuiteDidNotStart
from palmette.home import Home
from palmette.launcher.plan import ProcessPlan, SuitePlan
from palmette.launcher.ports import free_ports
from palmette.launcher.probes import http_ok
from palmette.launcher.state import Phase, ProcessPhase, SuiteState
from palmette.launcher.supervisor import Supervisor

SERVER = Path(__file__).with_name("small_server.py")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.run.mkdir()
    return home


def server(home: Home, name: str, *, stage: int = 0, after: tuple[str, ...] = (), options: str = "") -> ProcessPlan:
    (port,) = free_ports(1)
    return ProcessPlan(
        name=name,
        command=(sys.executable, str(SERVER), str(port), *options.split()),
        environment=dict(os.environ),
        probe=http_ok("127.0.0.1", port, "/"),
        log=home.logs / f"{name}.log",
        stage=stage,
        after=after,
        ports={"http": port},
        grace_s=1.0,
    )


def broken(home: Home, message: str) -> ProcessPlan:
    plan = server(home, "broken")
    return ProcessPlan(**{**vars(plan), "command": (sys.executable, "-c", f"import sys; sys.exit({message!r})")})


@asynccontextmanager
async def running(home: Home, *processes: ProcessPlan) -> AsyncIterator[tuple[Supervisor, list[str]]]:
    """Run a suite of these processes; yield it once it is up, with what happened to its processes, in order."""
    history: list[str] = []

    def watch(state: SuiteState) -> None:
        for process in state.processes:
            entry = f"{process.name} {process.phase}"
            if entry not in history[-len(state.processes) :]:
                history.append(entry)

    supervisor = Supervisor(home, SuitePlan(processes, 8080, tls=False), watch)
    task = asyncio.create_task(supervisor.run())
    try:
        await until(lambda: supervisor.state.phase is Phase.RUNNING or task.done())
        yield supervisor, history
    finally:
        supervisor.request_stop()
        await asyncio.wait_for(task, 20)


async def until(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(wait_until, condition, 20.0)


def pid_of(supervisor: Supervisor, name: str) -> int:
    return next(process.pid for process in supervisor.state.processes if process.name == name)


async def test_processes_start_after_what_they_need_and_stop_before_it(home: Home) -> None:
    async with running(home, server(home, "service"), server(home, "envoy", stage=1, after=("service",))) as (_, seen):
        pass

    assert seen.index("service ready") < seen.index("envoy starting")
    assert seen.index("envoy stopped") < seen.index("service stopping")


async def test_endpoints_are_there_while_it_runs_and_gone_after(home: Home) -> None:
    async with running(home, server(home, "service")) as (supervisor, _):
        written = json.loads(home.endpoints.read_text())
        pid = pid_of(supervisor, "service")

    assert written["gateway"] == "http://127.0.0.1:8080"
    assert written["processes"]["service"]["pid"] == pid
    assert not home.endpoints.exists()
    assert not psutil.pid_exists(pid)
    assert SuiteState.read(home.state).phase is Phase.STOPPED


async def test_a_killed_process_is_started_again_and_its_new_pid_written(home: Home) -> None:
    async with running(home, server(home, "service")) as (supervisor, seen):
        first = pid_of(supervisor, "service")
        os.kill(first, signal.SIGKILL)
        await until(lambda: pid_of(supervisor, "service") not in (0, first))
        await until(lambda: supervisor.state.processes[0].phase is ProcessPhase.READY)
        written = json.loads(home.endpoints.read_text())["processes"]["service"]["pid"]

        assert written == pid_of(supervisor, "service")
        assert supervisor.state.processes[0].restarts == 1
        assert "service crashed" in seen


async def test_a_process_that_ignores_sigterm_is_killed(home: Home) -> None:
    async with running(home, server(home, "service", options="--stubborn")) as (supervisor, _):
        pid = pid_of(supervisor, "service")

    assert not psutil.pid_exists(pid)


async def test_a_process_that_cannot_start_ends_everything_with_its_log(home: Home) -> None:
    with pytest.raises(SuiteDidNotStart, match=r"(?s)broken exited with code 1:.*PALMETTE_LISTEN is wrong"):
        async with running(home, server(home, "service"), broken(home, "PALMETTE_LISTEN is wrong")) as (supervisor, _):
            pass

    assert all(process.phase is not ProcessPhase.READY for process in supervisor.state.processes)
    assert not any(psutil.pid_exists(process.pid) for process in supervisor.state.processes if process.pid)
    assert SuiteState.read(home.state).phase is Phase.FAILED


async def test_sigterm_to_the_launcher_stops_everything(home: Home) -> None:
    async with running(home, server(home, "service"), server(home, "envoy", stage=1)) as (supervisor, seen):
        pids = [pid_of(supervisor, name) for name in ("service", "envoy")]
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: supervisor.state.phase is Phase.STOPPED)

        assert [pid for pid in pids if psutil.pid_exists(pid)] == []
        assert {"service stopped", "envoy stopped"} <= set(seen)
        assert not home.endpoints.exists()
