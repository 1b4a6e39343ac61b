"""Running a suite in this process, from taking the home to giving it back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from palmette.home import Home
from palmette.launcher.installed import find_installed
from palmette.launcher.internal_secret import renew_internal_secret
from palmette.launcher.lock import held
from palmette.launcher.plan import make_plan
from palmette.launcher.ports import check_free
from palmette.launcher.socket_folder import socket_folder
from palmette.launcher.state import SuiteState
from palmette.launcher.supervisor import Supervisor
from palmette.launcher.survivors import stop_survivors

DEFAULT_PORT = 8080


async def run_suite(home: Home, port: int, watcher: Callable[[SuiteState], None] | None = None) -> None:
    """Start the suite of `home`, keep it running, and return when it was stopped.

    Raises:
        SuiteAlreadyRunning: Another launcher holds the home.
        PortTaken: Something else listens on `port`.
        FailedPrecondition: The suite is not installed here.
        SuiteDidNotStart: A part did not come up.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with held(home), socket_folder(home) as sockets:
        home.endpoints.unlink(missing_ok=True)
        stop_survivors(home)
        check_free(port)
        _make_folders(home)
        renew_internal_secret(home)
        venv = os.environ.get("PALMETTE_TRITON_VENV")
        plan = make_plan(home, find_installed(Path(venv) if venv else None), port, os.environ, sockets)
        await Supervisor(home, plan, watcher).run()


def _make_folders(home: Home) -> None:
    for folder in (home.databases, home.artifacts, home.data, home.model_repository, home.envoy, home.logs):
        folder.mkdir(parents=True, exist_ok=True)
    home.auth.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.auth.chmod(0o700)
