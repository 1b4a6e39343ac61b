"""The quick start does what it says, block by block, on the real suite."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.suite import COMMAND, Suite

from palmette.cli.exit_codes import ExitCode

PAGE = Path(__file__).parents[2] / "docs" / "quickstart.md"
BLOCK = re.compile(r"^```(\w+)( fails)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# The fixture's suite runs already, and other tests go on using it.
NOT_HERE = ("source .venv/bin/activate", "palmette up --detach", "palmette down")


@dataclass(frozen=True)
class Block:
    language: str
    fails: bool
    text: str


def blocks() -> list[Block]:
    return [Block(language, bool(fails), text) for language, fails, text in BLOCK.findall(PAGE.read_text())]


@pytest.mark.slow
def test_every_block_of_the_quick_start_runs(suite: Suite, tmp_path: Path) -> None:
    ran = 0
    for block in blocks():
        if block.language == "yaml":
            (tmp_path / "pipeline.yaml").write_text(block.text)
        elif block.language == "python":
            run(suite, tmp_path, [sys.executable, "-c", block.text], fails=False)
            ran += 1
        elif block.language == "bash":
            for line in block.text.splitlines():
                if line not in NOT_HERE:
                    command = line.replace("palmette", str(COMMAND), 1)
                    run(suite, tmp_path, ["bash", "-c", command], fails=block.fails)
                    ran += 1
    assert ran >= 12


def run(suite: Suite, folder: Path, command: list[str], *, fails: bool) -> None:
    done = subprocess.run(
        command, cwd=folder, env=suite.environment, capture_output=True, text=True, timeout=240, check=False
    )
    expected = ExitCode.INVALID if fails else ExitCode.OK
    assert done.returncode == expected, f"{command[-1]}\n{done.stdout}\n{done.stderr}"


def test_the_exit_codes_of_the_page_are_all_there_are() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)}

    assert documented == {int(code) for code in ExitCode}
