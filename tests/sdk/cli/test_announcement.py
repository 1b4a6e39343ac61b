"""What `palmette up` prints, on a screen and elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from palmette.home import Home

TOKEN = "token-" + "x" * 400
PROGRAM = f"""
from palmette.cli.announcement import announce
from palmette.endpoint import Endpoint
from palmette.home import Home
from palmette.launcher.state import SuiteState

announce(Endpoint("127.0.0.1:8080", {TOKEN!r}), Home.find(), SuiteState(1), detached=True, other_home=OTHER)
"""
LINK = f"http://127.0.0.1:8080/login#token={TOKEN}"


def on_a_screen(program: str) -> str:
    """Return what a program prints to a terminal of the usual width."""
    primary, secondary = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", program], stdout=secondary, stdin=secondary) as running:
        os.close(secondary)
        printed = b""
        while True:
            try:
                piece = os.read(primary, 65536)
            except OSError:  # the other side was closed
                break
            if not piece:
                break
            printed += piece
    os.close(primary)
    assert running.returncode == 0
    return printed.decode()


def in_a_file(program: str) -> str:
    environment = {**os.environ, "FORCE_COLOR": "1"}  # colours wanted are no screen
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    ).stdout


def test_a_screen_gets_a_link_that_logs_in_on_one_line() -> None:
    printed = on_a_screen(PROGRAM.replace("OTHER", "False"))

    assert LINK in printed
    assert "palmette down" in printed


def test_a_file_gets_the_command_and_not_the_token() -> None:
    printed = in_a_file(PROGRAM.replace("OTHER", "False"))

    assert TOKEN not in printed
    assert "palmette auth login-link" in printed


def test_commands_for_a_home_of_its_own_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALMETTE_HOME", str(tmp_path / "two words"))

    printed = in_a_file(PROGRAM.replace("OTHER", "True"))

    home = Home.find()
    assert f"PALMETTE_HOME='{home.root}' palmette down" in printed
    assert f"PALMETTE_HOME='{home.root}' palmette auth login-link" in printed
