"""Runs the command line as a user does: as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.tiny_suite import TinySuite


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]
RANDOM_PRUNING = ("run", "random-pruning", "--model", "zoo:resnet20", "--data", "digits")


@pytest.fixture
def palmette(suite: TinySuite, tmp_path: Path) -> Run:
    """Return a function that runs ``palmette ARGUMENTS`` against the tiny suite."""

    def run(*arguments: str, **environment: str) -> Result:
        variables = {
            **os.environ,
            "PALMETTE_ENDPOINT": suite.address,
            "PALMETTE_TOKEN": suite.token,
            "COLUMNS": "160",
            **environment,
        }
        command = [sys.executable, "-m", "palmette.cli.main", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def job(palmette: Run) -> str:
    """A submitted job's name."""
    return str(palmette(*RANDOM_PRUNING, "--detach", "--json").json["name"])
