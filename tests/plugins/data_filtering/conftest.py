"""Small filtering jobs on real digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from palmette_plugins.api import RunResult, run_method
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.data_filtering.dfn import Dfn

RECIPE = {"batch_size": 32, "lr": 5e-3, "warmup_steps": 2, "precision": "fp32"}
POOL = "captioned:digits?limit=400&spoiled=0.7"
CLEAN = "captioned:digits?skip=400&limit=200"
TINY = "tiny?width=8&vocabulary=1024"


def filtered(folder: Path, **values: Any) -> RunResult:
    """Run a job whose models see 640 pairs each."""
    values = {
        "pool": POOL,
        "clean": CLEAN,
        "arch": TINY,
        "fraction": 0.25,
        "filter_recipe": RECIPE,
        "finetune_recipe": RECIPE,
        "induced_recipe": RECIPE,
        "filter_samples": 640,
        "finetune_samples": 320,
        "samples_seen": 640,
        **values,
    }
    return run_method(Dfn, store=folder / "artifacts", cpu=1, **values)


def scores(result: RunResult) -> list[dict[str, Any]]:
    """Return the rows of a job's score table."""
    rows: list[dict[str, Any]] = pq.read_table(file_of(result, "scores", "scores.parquet")).to_pylist()
    return rows


def file_of(result: RunResult, output: str, name: str) -> Path:
    """Return a file of one of a job's artifacts."""
    return result.store.local_path(result.artifacts[output][-1], name)


def kept(result: RunResult) -> set[str]:
    """Return the uids that a job kept."""
    return {row["uid"] for row in scores(result) if row["kept"]}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A job with everything: filter, scores, induced models, evaluation."""
    return filtered(tmp_path_factory.mktemp("dfn"), evaluation="digits", seed=3)


@pytest.fixture
def trained(whole: RunResult) -> dict[str, Any]:
    """Settings that use the filter of `whole` as it is and train nothing."""
    assert whole.manifest("filter").kind is ArtifactKind.MODEL
    return {
        "folder": Path(whole.store.url).parent,
        "filter": "reference",
        "network": f"artifact:{whole.artifacts['filter'][0]}",
        "clean": [],
        "train_induced": False,
    }
