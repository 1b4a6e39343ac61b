"""Triton runs the code of whoever can load a model: nobody but the suite's user may reach it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

from tests.e2e.suite import Suite
from tritonclient.grpc import InferenceServerClient

_NOBODY = 65534
# tritonclient is imported first: nobody may have no right to read this user's packages.
_LOAD_AS = """
import os, sys
from tritonclient.grpc import InferenceServerClient
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
InferenceServerClient(sys.argv[1]).load_model("evil", config="{}", client_timeout=5)
"""


def test_only_figures_are_on_a_port(suite: Suite, deployed: str) -> None:
    assert deployed
    assert suite.listening("triton") == {suite.port_of("triton", "metrics")}


def test_only_its_user_may_enter_the_folder_of_the_socket(suite: Suite) -> None:
    socket = suite.socket_of("triton", "grpc")

    assert socket.parent == suite.home.sockets
    assert socket.parent.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    with InferenceServerClient(f"unix:{socket}") as client:
        assert client.is_server_ready()
    if os.geteuid() == 0:
        command = [sys.executable, "-c", _LOAD_AS, f"unix:{socket}", str(_NOBODY)]
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert other.returncode == 1
        assert "Permission denied" in other.stderr
