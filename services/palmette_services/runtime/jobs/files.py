"""The folder of a job on disk: its checkpoints and what its workers printed."""

from __future__ import annotations

import shutil
from pathlib import Path


class JobFiles:
    """Folders of jobs below the service's data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "jobs"

    def checkpoint_url(self, job_id: str) -> str:
        """Return the fsspec URL of a job's checkpoints."""
        return str(self._root / job_id / "checkpoints")

    def log_path(self, job_id: str, attempt: int) -> Path:
        """Return the file that takes what the worker of one attempt prints."""
        return self._root / job_id / f"attempt-{attempt}.log"

    def remove(self, job_id: str) -> None:
        """Remove everything that belongs to a job. Blocks."""
        shutil.rmtree(self._root / job_id, ignore_errors=True)
