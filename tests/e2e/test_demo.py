"""The demo, small: it tells its whole story on a suite that runs already."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.e2e.suite import Suite

from palmette.demo.candidates import Sizes, candidates


@pytest.mark.slow
def test_the_demo_serves_what_it_trained(suite: Suite) -> None:
    sizes = ["--images", "400", "--held-out", "300", "--epochs", "1", "--latency-requests", "20"]
    command = [sys.executable, "-m", "palmette.demo", "--home", str(suite.home.root), *sizes]

    done = subprocess.run(command, env=suite.environment, capture_output=True, text=True, timeout=280, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "every served accuracy equals PyTorch's" in done.stdout
    for candidate in candidates(Sizes()):
        assert candidate.title in done.stdout
    assert f"http://127.0.0.1:{suite.port}" in done.stdout
    assert "palmette down" in done.stdout
