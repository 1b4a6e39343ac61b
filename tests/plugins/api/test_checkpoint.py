"""Checkpoints: exact, never half, never pickled objects."""

import hashlib
import random

import numpy as np
import pytest
import torch

from palmette_plugins.api import ResourceExhausted
from palmette_plugins.api.checkpoint import CheckpointFolder


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(str(tmp_path / "checkpoints"))


def files(tmp_path):
    return sorted((tmp_path / "checkpoints").iterdir())


def test_nothing_is_restored_where_nothing_was_saved(folder):
    assert folder.restore() is None


def test_a_nested_state_comes_back_exactly(folder):
    state = {"epoch": 3, "model": {"weight": torch.rand(4)}, "history": [{"loss": 0.5}, {"loss": 0.25}], "name": "x"}

    folder.save(state)
    back = folder.restore()

    assert torch.equal(back["model"].pop("weight"), state["model"].pop("weight"))
    assert back == state


def test_every_random_generator_goes_on_where_it_was(folder):
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    np.random.standard_normal()  # leaves a second value waiting inside
    folder.save({})
    expected = (random.random(), np.random.standard_normal(), torch.rand(1).item())
    random.seed(2)
    np.random.seed(2)
    torch.manual_seed(2)

    folder.restore()

    assert (random.random(), np.random.standard_normal(), torch.rand(1).item()) == expected


def test_the_newest_is_restored_and_two_are_kept(folder, tmp_path):
    for epoch in range(5):
        folder.save({"epoch": epoch})

    assert folder.restore()["epoch"] == 4
    assert len(files(tmp_path)) == 2


def test_a_torn_checkpoint_is_passed_over(folder, tmp_path):
    folder.save({"epoch": 1})
    folder.save({"epoch": 2})
    newest = files(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:-10])

    assert folder.restore()["epoch"] == 1


def test_half_written_files_do_not_count(folder, tmp_path):
    folder.save({"epoch": 1})
    (tmp_path / "checkpoints" / "00000009-half.pt.part").write_bytes(b"half")

    assert folder.restore()["epoch"] == 1
    folder.save({"epoch": 2})
    assert folder.restore()["epoch"] == 2


def test_a_checkpoint_never_runs_code(folder, tmp_path):
    folder.save({"epoch": 1})
    evil = tmp_path / "evil.pt"

    class Evil:
        def __reduce__(self):
            return (print, ("this must not run",))

    torch.save({"state": Evil(), "random": {}}, evil)
    data = evil.read_bytes()
    (tmp_path / "checkpoints" / f"00000007-{hashlib.sha256(data).hexdigest()}.pt").write_bytes(data)

    with pytest.raises(Exception, match=r"(?i)weights.only"):
        folder.restore()


def test_clearing_removes_everything(folder, tmp_path):
    folder.save({"epoch": 1})

    folder.clear()
    folder.clear()

    assert folder.restore() is None
    assert not (tmp_path / "checkpoints").exists()


def test_a_full_disk_is_said_and_the_last_checkpoint_stays(on_small_disk):
    def fill(disk):
        folder = CheckpointFolder(str(disk / "checkpoints"))
        folder.save({"weights": torch.zeros(10_000)})

        with pytest.raises(ResourceExhausted, match="no space left on the disk while writing a checkpoint"):
            folder.save({"weights": torch.zeros(2**20)})

        assert folder.restore()["weights"].shape == (10_000,)
        folder.save({"weights": torch.ones(10_000)})
        assert folder.restore()["weights"][0] == 1
        assert not list((disk / "checkpoints").glob("*.part"))

    on_small_disk(fill, 2**20)
