"""Training under torchrun: several processes share each batch and end with one model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("several_processes.py")


@pytest.mark.slow
def test_two_processes_train_the_model_that_one_would(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder, launch in (
        (alone, []),
        (together, ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]),
    ):
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, *launch, str(SCRIPT), str(folder)],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    one = torch.load(alone / "alone.pt", weights_only=True)
    first, second = (torch.load(together / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(torch.allclose(one[name].float(), first[name].float(), atol=1e-5) for name in one)
    assert torch.count_nonzero(first["3.weight"][~first["3.weight_mask"]]) == 0
