"""One suite a home, one owner a port."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from palmette.home import Home
from palmette.launcher.detached import _follow, start_detached
from palmette.launcher.lock import SuiteAlreadyRunning, held, holder
from palmette.launcher.ports import PortTaken, check_free, free_ports
from palmette.launcher.state import ProcessState, SuiteState
from palmette.launcher.survivors import stop_survivors


def test_the_second_launcher_is_told_who_the_first_is(tmp_path: Path) -> None:
    home = Home(tmp_path)

    with held(home), pytest.raises(SuiteAlreadyRunning, match=rf"pid {os.getpid()}.*palmette down"), held(home):
        pass

    assert holder(home) is None


def test_a_start_in_the_background_that_comes_second_says_so_however_late_it_notices(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.logs.mkdir()
    (home.logs / "launcher.log").write_text("")
    with held(home), subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"]) as loser:
        loser.wait()
        with pytest.raises(SuiteAlreadyRunning, match=rf"pid {os.getpid()}"):
            _follow(home, loser, None)


def test_a_start_in_the_background_refuses_a_taken_port_before_it_starts_anything(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with pytest.raises(PortTaken, match=rf"pid {os.getpid()}"):
            start_detached(Home(tmp_path), listening.getsockname()[1])

    assert list(tmp_path.iterdir()) == []


def test_a_killed_launcher_lets_go_of_its_home(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from palmette.home import Home;"
        "from palmette.launcher.lock import held\n"
        f"with held(Home(Path({str(tmp_path)!r}))): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert holder(Home(tmp_path)) == other.pid
        other.send_signal(signal.SIGKILL)
        other.wait()

    with held(Home(tmp_path)):
        assert holder(Home(tmp_path)) == os.getpid()


def test_one_who_only_looks_does_not_refuse_a_launcher(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    with home.lock.open("w") as looking:  # as `palmette status` does it, for longer
        fcntl.flock(looking, fcntl.LOCK_SH)
        let_go = threading.Timer(0.2, lambda: fcntl.flock(looking, fcntl.LOCK_UN))
        let_go.start()

        with held(home):
            assert holder(home) == os.getpid()

        let_go.join()


def test_an_owner_in_its_first_moment_is_named_all_the_same(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    with home.lock.open("w") as owning:
        fcntl.flock(owning, fcntl.LOCK_EX)
        write = threading.Timer(0.2, lambda: os.pwrite(owning.fileno(), b"4321", 0))
        write.start()

        with pytest.raises(SuiteAlreadyRunning, match="pid 4321"), held(home):
            pass

        write.join()


def test_a_taken_port_names_its_owner() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]

        with pytest.raises(PortTaken, match=rf"port {port} .*pid {os.getpid()}.*--port"):
            check_free(port)

    check_free(port)


def test_free_ports_are_different() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20


def test_what_a_killed_launcher_left_is_stopped_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    left, stranger = (subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(2))
    try:
        created_s = psutil.Process(left.pid).create_time()
        mine = ProcessState("service", "", pid=left.pid, create_time_s=created_s)
        reused_pid = ProcessState("triton", "", pid=stranger.pid, create_time_s=created_s - 1000)
        SuiteState(1, processes=[mine, reused_pid]).write(home.state)

        stop_survivors(home)

        assert not psutil.pid_exists(left.pid)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
