"""`palmette up`, `down`, `status` and `health`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape

from palmette.cli.announcement import announce
from palmette.cli.connecting import suite
from palmette.cli.exit_codes import ExitCode
from palmette.cli.formatting import age_text, state_text
from palmette.cli.output import Json, err, show, table
from palmette.endpoint import find_endpoint
from palmette.home import Home
from palmette.launcher.detached import start_detached, stop_detached
from palmette.launcher.state import Phase, ProcessPhase, SuiteState
from palmette.launcher.suite import DEFAULT_PORT, run_suite
from palmette.launcher.table import processes_table
from palmette.types import DeploymentInfo, Health, HealthState, JobInfo

HomeOption = Annotated[Path | None, typer.Option(help="Home of the suite; PALMETTE_HOME by default.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(health)


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when everything is healthy.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The one public port, on loopback.")] = DEFAULT_PORT,
    home: HomeOption = None,
    json: Json = False,
) -> None:
    """Start the suite on this machine and keep it running (until Ctrl-C, or `palmette down` with --detach)."""
    place = Home.find(home)

    def ready(state: SuiteState) -> None:
        endpoint = find_endpoint(home=place.root)
        result = {"gateway": endpoint.url, "home": str(place.root), "pid": state.pid}
        show(result, json, lambda: announce(endpoint, place, state, detached=detach, other_home=home is not None))

    with _watching(ready, quiet=json) as watch:
        if detach:
            start_detached(place, port, watch)
        else:
            asyncio.run(run_suite(place, port, watch))


def down(home: HomeOption = None, json: Json = False) -> None:
    """Stop the suite of this home. Running jobs resume from their checkpoints at the next start."""
    place = Home.find(home)
    with err.status("stopping"):
        stopped = stop_detached(place)
    what = "stopped" if stopped else "nothing was running"
    show({"stopped": stopped, "home": str(place.root)}, json, lambda: f"{what} [dim]({place.root})[/]")


def status(json: Json = False) -> None:
    """Show on one screen how the suite is, what runs and what is served."""
    with suite() as client:
        found = client.health()
        jobs = [job.info for job in client.jobs("state=RUNNING,QUEUED", limit=20)]
        deployments = [deployment.info for deployment in client.deployments()]
        url = client.endpoint.url
    result = {"gateway": url, "health": found, "jobs": jobs, "deployments": deployments}
    show(result, json, lambda: _status_page(url, found, jobs, deployments))


def health(json: Json = False) -> None:
    """Show how every part of the suite is; exit code 3 unless all is well."""
    with suite() as client:
        found = client.health()
    show(found, json, lambda: _components(found))
    if found.state is not HealthState.HEALTHY:
        raise typer.Exit(ExitCode.UNAVAILABLE)


@contextmanager
def _watching(ready: Callable[[SuiteState], None], *, quiet: bool) -> Iterator[_Watch]:
    """Show a live table of what is starting and stopping; `ready` is called once, when everything is."""
    watch = _Watch(ready, quiet)
    try:
        yield watch
    finally:
        watch.stop()


class _Watch:
    """Shows the processes while the suite starts, crashes as they happen, and the processes while it stops."""

    def __init__(self, ready: Callable[[SuiteState], None], quiet: bool) -> None:
        self._ready = ready
        self._quiet = quiet
        self._live: Live | None = None
        self._announced = False
        self._restarts: dict[str, int] = {}
        self._phases: dict[str, ProcessPhase] = {}

    def __call__(self, state: SuiteState) -> None:
        if state.phase in (Phase.STARTING, Phase.STOPPING):
            self._show(state)
        elif state.phase is Phase.RUNNING and not self._announced:
            self._show(state)
            self.stop()
            self._announced = True
            self._ready(state)
        if state.phase is Phase.RUNNING:
            self._tell_crashes(state)

    def stop(self) -> None:
        """Leave the last table on the terminal."""
        if self._live:
            self._live.stop()
            self._live = None

    def _show(self, state: SuiteState) -> None:
        if self._quiet:
            return
        if not err.is_terminal:
            self._tell_changes(state)
            return
        if self._live is None:
            self._live = Live(console=err, refresh_per_second=8)
            self._live.start()
        self._live.update(processes_table(state))

    def _tell_changes(self, state: SuiteState) -> None:
        """Say in a log, where a table cannot be redrawn, what became ready or stopped."""
        for process in state.processes:
            if process.phase is not self._phases.get(process.name):
                self._phases[process.name] = process.phase
                if process.phase in (ProcessPhase.READY, ProcessPhase.CRASHED, ProcessPhase.STOPPED):
                    took = f"{process.since_s - state.started_s:.1f} s"
                    err.print(f"{took:>8}  {process.name} {process.phase} {escape(process.detail)}".rstrip())

    def _tell_crashes(self, state: SuiteState) -> None:
        for process in state.processes:
            crashed = process.phase is ProcessPhase.CRASHED
            if not self._quiet and crashed and self._restarts.get(process.name, 0) < process.restarts:
                self._restarts[process.name] = process.restarts
                err.print(f"{time.strftime('%H:%M:%S')} [red]{process.name}[/] {escape(process.detail)}; {process.log}")


def _status_page(url: str, found: Health, jobs: list[JobInfo], deployments: list[DeploymentInfo]) -> RenderableType:
    job_rows = [
        (
            job.id,
            job.plugin,
            state_text(job.state),
            f"{job.progress.fraction:.0%}",
            escape(job.waiting_reason or job.progress.message),
        )
        for job in jobs
    ]
    served = [(d.id, state_text(d.state), f"version {d.serving_version or '-'}") for d in deployments]
    return Group(
        f"[bold]{url}[/]  {state_text(found.state)}  [dim]dashboard: palmette auth login-link[/]",
        "",
        _components(found),
        "",
        table(["JOB", "PLUGIN", "STATE", ">DONE", ""], job_rows, empty="no job runs or waits"),
        "",
        table(["DEPLOYMENT", "STATE", "SERVES"], served, empty="nothing is deployed"),
    )


def _components(found: Health) -> RenderableType:
    rows = [
        (each.name, state_text(each.state), age_text(each.since) if each.since else "", escape(each.reason))
        for each in found.components
    ]
    return table(["PART", "STATE", "SINCE", "REASON"], rows, empty="no parts")
