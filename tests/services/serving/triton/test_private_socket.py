"""Nobody but its user reaches the local Triton."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from tests.services.serving.processes import Triton

from palmette_plugins.api import FailedPrecondition
from palmette_services.serving.triton.private_socket import MAX_PATH_BYTES, PrivateSocket

_NOBODY = 65534
_CONNECT = """
import os, socket, sys
path, user = sys.argv[1], int(sys.argv[2])
if user != os.geteuid():
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
socket.socket(socket.AF_UNIX).connect(path)
"""


@pytest.fixture
def short(triton: Triton) -> Path:
    """A private folder with a short path."""
    return triton.socket.parent


def _connect(path: Path, user: int | None = None) -> subprocess.CompletedProcess[str]:
    who = os.geteuid() if user is None else user
    command = [sys.executable, "-c", _CONNECT, str(path), str(who)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_folder_is_made_for_its_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "sockets"
    before = os.umask(0)
    try:
        PrivateSocket(folder / "t:1").make_folder()
    finally:
        os.umask(before)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_others_may_enter_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o711)

    with pytest.raises(FailedPrecondition, match=rf"{open_folder} is not one: remove it, or .* mode 0700"):
        PrivateSocket(open_folder / "t:1").make_folder()

    assert stat.S_IMODE(open_folder.stat().st_mode) == 0o711


def test_a_link_to_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")

    with pytest.raises(FailedPrecondition, match="link is not one"):
        PrivateSocket(tmp_path / "link" / "t:1").make_folder()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    with pytest.raises(FailedPrecondition, match="theirs is not one"):
        PrivateSocket(folder / "t:1").make_folder()


@pytest.mark.parametrize("name", ["triton", "triton:", "triton:a", "triton:65536"])
def test_a_name_that_triton_cannot_give_is_refused(name: str) -> None:
    with pytest.raises(FailedPrecondition, match="must end in ':' and a number"):
        PrivateSocket(Path("/run/palmette") / name)


def test_a_path_too_long_for_the_kernel_is_refused_and_one_byte_less_is_not() -> None:
    fits = "/" + "a" * (MAX_PATH_BYTES - 3) + ":1"
    PrivateSocket(Path(fits))
    with pytest.raises(FailedPrecondition, match="107 bytes at most"):
        PrivateSocket(Path("/a" + fits[1:]))


@pytest.mark.slow
def test_the_longest_path_is_one_that_can_be_listened_on(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(short / ("a" * (MAX_PATH_BYTES - len(str(short)) - 1))))


@pytest.mark.slow
def test_only_figures_are_on_a_port(triton: Triton) -> None:
    process = psutil.Process(triton.child.pid)
    listening = {
        (each.laddr.ip, each.laddr.port)
        for one in [process, *process.children(recursive=True)]
        for each in one.net_connections("inet")
    }
    assert listening == {("127.0.0.1", triton.metrics_port)}

    assert b"nv_cpu_utilization" in urllib.request.urlopen(triton.metrics_url).read()
    root = f"http://127.0.0.1:{triton.metrics_port}"
    for path in ("/v2", "/v2/models/any", "/v2/models/stats"):
        assert urllib.request.urlopen(root + path).read() == b"", path
    for path in ("/v2/repository/index", "/v2/repository/models/any/load", "/v2/models/any/infer"):
        with pytest.raises(urllib.error.HTTPError, match="405"):
            urllib.request.urlopen(root + path, data=b"{}")


@pytest.mark.slow
def test_its_user_can_connect_and_another_cannot(triton: Triton) -> None:
    assert stat.S_IMODE(triton.socket.parent.stat().st_mode) == 0o700
    assert triton.socket.parent.stat().st_uid == os.geteuid()
    assert _connect(triton.socket).returncode == 0
    if os.geteuid() == 0:
        other = _connect(triton.socket, _NOBODY)
        assert other.returncode == 1
        assert "PermissionError" in other.stderr


@pytest.mark.slow
def test_the_socket_that_a_killed_server_left_is_in_nobodys_way(triton: Triton) -> None:
    triton.kill()
    assert triton.socket.is_socket()
    assert _connect(triton.socket).returncode == 1

    triton.start()
    triton.wait_ready()

    assert _connect(triton.socket).returncode == 0


@pytest.mark.slow
def test_two_servers_do_not_meet(triton: Triton, tmp_path: Path) -> None:
    second = Triton(tmp_path)
    second.start()
    try:
        second.wait_ready()
        triton.wait_ready()
    finally:
        second.stop()

    assert not second.socket.exists()
    triton.wait_ready()


def test_a_folder_that_is_open_keeps_triton_from_starting(tmp_path: Path) -> None:
    triton = Triton(tmp_path)
    triton.socket.parent.chmod(0o755)
    triton.start()

    assert triton.child.wait(timeout=60) == 1
    assert triton.log.startswith(
        f"triton: Triton's socket needs a folder that only its user may enter, and {triton.socket.parent}"
    )
