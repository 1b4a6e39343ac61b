"""The whole suite, started as a user starts it: `palmette up --detach`."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from tests.sdk.deadlines import wait_until

import palmette
from palmette.home import Home
from palmette_gateway.access.roles import Role
from palmette_gateway.access.signing_key import load_or_create
from palmette_gateway.access.tokens import Tokens

COMMAND = Path(sys.executable).with_name("palmette")
PLUGINS = Path(__file__).with_name("misbehaving")


@dataclass(frozen=True)
class CommandResult:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Suite:
    """A running suite, and ways to disturb it."""

    home: Home
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """Variables of every command of this suite."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PALMETTE_")}
        return {
            **inherited,
            "PALMETTE_HOME": str(self.home.root),
            "PALMETTE_LEASE_S": "4",  # lost workers are noticed soon
            "PALMETTE_SLOTS": "2",
            "PYTHONPATH": str(PLUGINS),
            "COLUMNS": "200",
        }

    def command(self, *arguments: str, timeout_s: float = 120, **variables: str) -> CommandResult:
        """Run ``palmette ARGUMENTS``."""
        done = subprocess.run(
            [COMMAND, *arguments],
            capture_output=True,
            text=True,
            env={**self.environment, **variables},
            timeout=timeout_s,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def client(self, token: str | None = None) -> palmette.Client:
        """Return a client of this suite."""
        return palmette.Client(home=self.home.root, token=token)

    def token(self, role: Role, *, valid_for: timedelta = timedelta(hours=1), subject: str = "tester") -> str:
        """Return a token that this suite's own key signed."""
        return Tokens(load_or_create(self.home.auth)).issue(subject, role, valid_for)[0]

    def pid(self, process: str) -> int:
        """Return the process id of a part of the suite; 0 while it is down."""
        endpoints = json.loads(self.home.endpoints.read_text())
        return int(endpoints["processes"][process]["pid"])

    def port_of(self, process: str, purpose: str) -> int:
        """Return a port of a part of the suite."""
        endpoints = json.loads(self.home.endpoints.read_text())
        return int(endpoints["processes"][process]["ports"][purpose])

    def socket_of(self, process: str, purpose: str) -> Path:
        """Return the path of a socket of a part of the suite."""
        endpoints = json.loads(self.home.endpoints.read_text())
        return Path(endpoints["processes"][process]["sockets"][purpose])

    def listening(self, process: str) -> set[int]:
        """Return the TCP ports on which a part of the suite and its children listen."""
        parent = psutil.Process(self.pid(process))
        return {
            connection.laddr.port
            for one in [parent, *parent.children(recursive=True)]
            for connection in one.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }

    def worker_pid(self, job: palmette.Job) -> int:
        """Return the process id of the worker that runs a job."""
        database = self.home.databases / f"{job.service}.sqlite3"
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            (handle,) = connection.execute("SELECT worker_handle FROM jobs WHERE id = ?", (job.id,)).fetchone()
        return int(json.loads(handle)["pid"])

    def kill(self, process: str) -> Callable[[], None]:
        """Kill a part of the suite (SIGKILL); the function that is returned waits until it is back."""
        before = self.pid(process)
        os.kill(before, signal.SIGKILL)

        def wait() -> None:
            wait_until(lambda: self.pid(process) not in (0, before), 30, f"{process} starting again")
            wait_until(lambda: self.state_of(process) == "ready", 60, f"{process} being ready again")

        return wait

    def state_of(self, process: str) -> str:
        """Return what the launcher says of a process."""
        states = json.loads(self.home.state.read_text())["processes"]
        return str(next(each["phase"] for each in states if each["name"] == process))
