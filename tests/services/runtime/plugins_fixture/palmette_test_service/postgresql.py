"""A private PostgreSQL server from Debian's package, in a folder that is thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from palmette_test_service.process import free_port


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server: its URL without a database's name, and how to stop and start it."""

    url: str
    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def postgresql() -> Iterator[PostgresqlServer]:
    """Run a server."""
    folder = Path(tempfile.mkdtemp(prefix="palmette-postgresql-"))
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    user = _user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    data, log = str(folder / "data"), str(folder / "log")
    try:
        _run(user, [str(binaries / "initdb"), "-D", data, "-U", "palmette", "-A", "trust", "-E", "UTF8", "-N"])
        control = [str(binaries / "pg_ctl"), "-D", data, "-l", log, "-w"]
        server = PostgresqlServer(
            url=f"postgresql://palmette@127.0.0.1:{port}",
            stop=lambda: _run(user, [*control, "-m", "immediate", "stop"]),
            start=lambda: _run(user, [*control, "-o", options, "start"]),
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _user() -> pwd.struct_passwd | None:
    """Return the user that runs the server; None for ourselves, unless that is root, which PostgreSQL refuses."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _run(user: pwd.struct_passwd | None, command: list[str]) -> None:
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}
    subprocess.run(command, check=True, capture_output=True, cwd="/", **identity)  # type: ignore[call-overload]
