"""The local Triton is found, prepared and started."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import replace
from pathlib import Path

import pytest
from tests.services.serving.processes import TRITON_VENV, Triton

from palmette_plugins.api import FailedPrecondition
from palmette_services.serving.triton.local_server import LocalServer, TritonInstallation
from palmette_services.serving.triton.private_socket import PrivateSocket


@pytest.fixture
def server(tmp_path: Path) -> LocalServer:
    return LocalServer(
        installation=TritonInstallation.find(TRITON_VENV),
        repository=tmp_path / "models",
        socket=PrivateSocket(tmp_path / "sockets" / "triton:1"),
        metrics_port=1003,
        backends=tmp_path / "backends",
    )


def test_it_listens_on_the_socket_and_serves_nothing_but_metrics_on_loopback(server: LocalServer) -> None:
    addresses = [argument for argument in server.command() if "-address=" in argument]
    socket = str(server.socket.path).removesuffix(":1")
    assert sorted(addresses) == [f"--grpc-address=unix:{socket}", "--metrics-address=127.0.0.1"]
    assert "--allow-http=false" in server.command()


def test_backend_folder_holds_the_stub_of_the_venvs_python(server: LocalServer) -> None:
    server.prepare()
    names = {path.name for path in (server.backends / "python").iterdir()}
    assert names == {"libtriton_python.so", "triton_python_backend_stub", "triton_python_backend_utils.py"}
    assert (server.backends / "python" / "triton_python_backend_stub").stat().st_mode & 0o100


def test_models_find_the_venvs_packages_first(server: LocalServer) -> None:
    environment = server.installation.environment({"PATH": "/usr/bin", "PYTHONPATH": "/elsewhere", "HOME": "/h"})
    assert environment["PATH"] == f"{TRITON_VENV}/bin:/usr/bin"
    assert "PYTHONPATH" not in environment
    assert environment["HOME"] == "/h"


def test_shared_memory_left_by_a_killed_server_is_removed(server: LocalServer) -> None:
    left = Path("/dev/shm") / f"{server.shared_memory_prefix}left-over"
    left.write_bytes(b"x")
    server.prepare()
    assert not left.exists()


def test_missing_shared_library_is_said_before_the_start(server: LocalServer, tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_text("#!/bin/sh\necho 'libpython3.11.so.1.0: cannot open shared object file' >&2\nexit 127\n")
    stub.chmod(0o755)
    broken = replace(server, installation=replace(server.installation, stub=stub))
    with pytest.raises(FailedPrecondition, match=r"libpython3\.11\.so\.1\.0: cannot open .* `make setup` does"):
        broken.prepare()


def test_missing_environment_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match=r"no Python environment .* `make setup` makes it"):
        TritonInstallation.find(tmp_path / "none")


def test_environment_without_triton_is_said_with_what_to_do(tmp_path: Path) -> None:
    venv.create(tmp_path / "empty", with_pip=False, symlinks=True)
    command = [sys.executable, "-m", "palmette_services.serving.triton.local_server", "--venv", str(tmp_path / "empty")]
    command += ["--repository", str(tmp_path / "models"), "--socket", "/run/t:1", "--metrics-port", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("triton: nvidia-pytriton is not installed in")


@pytest.mark.slow
def test_started_process_is_tritonserver_itself(triton: Triton) -> None:
    running = Path(f"/proc/{triton.child.pid}/exe").readlink()
    assert running.name == "tritonserver"
