"""A cancelled comparison goes on with the vectors that it had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palmette_plugins.api import JobCancelled, RunResult, run_method
from palmette_plugins.api.sink import LoggingSink
from palmette_plugins.architectures.packaged_weights import packaged_folder
from palmette_plugins.datasets.collections.folder import write_collection
from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.retrieval.beir import Beir


class CancelAt(LoggingSink):
    """Cancels as soon as a message begins in a certain way."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self._beginning = beginning
        self._reached = False

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        """Look at the message."""
        self._reached = self._reached or message.startswith(self._beginning)

    def cancel_reason(self) -> str | None:
        """Tell whether it has come."""
        return "enough" if self._reached else None


def test_a_cancelled_job_ends_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    passages = [Passage("p1", "Cats", "Cats chase mice."), Passage("p2", "Weather", "It rains.")]
    for name in ("first", "second"):
        write_collection(tmp_path / name, passages, {"q": "who chases mice"}, {"test": {"q": {"p1": 1}}})
    values: dict[str, Any] = {
        "store": tmp_path / "artifacts",
        "cpu": 1,
        "sets": [f"beir:{tmp_path}/first", f"beir:{tmp_path}/second"],
        "encoders": f"hf:{packaged_folder('minilm')}",
        "models": ["bm25_flat"],
    }
    whole = run_method(Beir, **values)
    with pytest.raises(JobCancelled):
        run_method(Beir, checkpoints=tmp_path / "job", sink=CancelAt("second: model"), **values)
    shards = {file: file.stat().st_mtime_ns for file in (tmp_path / "job").rglob("*.npy")}
    assert len(shards) == 1  # those of the first set

    resumed = run_method(Beir, checkpoints=tmp_path / "job", **values)

    assert shards.items() <= {file: file.stat().st_mtime_ns for file in (tmp_path / "job").rglob("*.npy")}.items()
    assert runs(resumed) == runs(whole)


def runs(result: RunResult) -> list[bytes]:
    """Return the contents of all run files."""
    artifacts = [result.store.get(identifier) for identifier in result.artifacts["runs"]]
    return [artifact.file(file.path).read_bytes() for artifact in artifacts for file in artifact.manifest.files]
