"""`palmette up` and what may stand in its way."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import grpc
import psutil
import pytest
from tests.e2e.suite import COMMAND, Suite
from tests.sdk.deadlines import wait_until

from palmette.cli.exit_codes import ExitCode
from palmette.home import Home
from palmette.launcher.ports import free_ports
from palmette_gateway.access.roles import Role


def test_everything_is_healthy_and_said_to_be(suite: Suite) -> None:
    health, status = suite.command("health", "--json"), suite.command("status")

    assert health.code == 0
    assert health.json["state"] == "HEALTHY"
    names = {component["name"] for component in health.json["components"]}
    assert {"services/pruning_growth", "services/serving", "triton"} <= names
    assert f"http://127.0.0.1:{suite.port}" in status.out


@pytest.mark.parametrize("service", ["pruning_growth", "serving"])
def test_no_service_answers_who_comes_past_the_gateway(suite: Suite, service: str) -> None:
    forged = (("x-palmette-user", "root"), ("x-palmette-role", "admin"))
    token = (("authorization", f"Bearer {suite.token(Role.ADMIN)}"),)
    with grpc.insecure_channel(f"127.0.0.1:{suite.port_of(service, 'grpc')}") as channel:
        delete = channel.unary_unary("/palmette.v1.JobService/DeleteJob")
        for metadata in ((), forged, token):
            with pytest.raises(grpc.RpcError) as caught:
                delete(b"", metadata=metadata, timeout=15)

            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "call the gateway's address" in caught.value.details()


def test_a_second_suite_on_one_home_is_refused_with_the_pid_of_the_first(suite: Suite) -> None:
    launcher = json.loads(suite.home.endpoints.read_text())["pid"]

    for arguments in (("up", "--detach"), ("up",)):
        done = suite.command(*arguments, "--port", str(free_ports(1)[0]), timeout_s=30)

        assert done.code == ExitCode.FAILED
        assert f"pid {launcher}" in done.err
        assert "palmette down" in done.err
    assert suite.command("health").code == 0


def test_a_taken_port_is_refused_with_its_owner(tmp_path: Path, suite: Suite) -> None:
    other = Suite(Home(tmp_path), 0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = str(listening.getsockname()[1])
        for arguments in (("up", "--detach"), ("up",)):
            done = other.command(*arguments, "--port", port, timeout_s=30)

            assert done.code != 0
            assert f"port {port}" in done.err
            assert f"pid {os.getpid()}" in done.err
            assert "--port" in done.err
    assert not other.home.endpoints.exists()


def test_down_without_a_suite_is_no_error(tmp_path: Path) -> None:
    done = Suite(Home(tmp_path), 0).command("down", "--json", timeout_s=30)

    assert done.code == 0
    assert done.json["stopped"] is False


def test_a_suite_in_the_foreground_and_what_a_killed_launcher_leaves(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    # Deeper than a socket's path may be: Triton's is elsewhere then, and as private, and nothing else is different.
    other = Suite(Home(tmp_path / ("deep" * 20) / "home"), port)
    killed = start_in_foreground(other)
    sockets = other.socket_of("triton", "grpc").parent
    left = [process["pid"] for process in json.loads(other.home.endpoints.read_text())["processes"].values()]
    killed.kill()
    killed.communicate()

    again = start_in_foreground(other)
    try:
        assert not any(psutil.pid_exists(pid) for pid in left)
        assert other.socket_of("triton", "grpc").parent == sockets
        assert not sockets.is_relative_to(other.home.root)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert other.listening("triton") == {other.port_of("triton", "metrics")}
        mine = [process["pid"] for process in json.loads(other.home.endpoints.read_text())["processes"].values()]
    finally:
        again.send_signal(signal.SIGINT)  # Ctrl-C
        out, err = again.communicate(timeout=90)

    assert again.returncode == 0, err
    assert f"http://127.0.0.1:{port}" in out
    assert not sockets.exists()
    assert not any(psutil.pid_exists(pid) for pid in mine)
    assert other.command("jobs", "list").code == ExitCode.UNAVAILABLE
    assert other.command("down", "--json").json["stopped"] is False


def start_in_foreground(suite: Suite) -> subprocess.Popen[str]:
    """Run ``palmette up`` and return it once the suite is healthy."""
    command = [COMMAND, "up", "--port", str(suite.port)]
    up = subprocess.Popen(
        command,
        env=suite.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: up.pid == launcher_of(suite) or up.poll() is not None, 150, "the suite being up")
    assert up.poll() is None, up.communicate()
    return up


def launcher_of(suite: Suite) -> int:
    """Return the process id that the endpoints name; 0 without endpoints."""
    return int(json.loads(suite.home.endpoints.read_text())["pid"]) if suite.home.endpoints.exists() else 0
