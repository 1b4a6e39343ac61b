"""A process that the forkserver forked."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.process import BaseProcess


@dataclass(frozen=True)
class ForkedProcess:
    """A process that is not our child: its id, and when it began, which tells it from a later one of the same id."""

    process: BaseProcess
    pid: int
    created_s: float
