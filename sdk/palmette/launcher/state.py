"""What the launcher is doing, as others may read it: ``run/state.json``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Phase(StrEnum):
    """Where the suite is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class ProcessPhase(StrEnum):
    """Where one process is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    CRASHED = "crashed"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass
class ProcessState:
    """One process.

    Attributes:
        pid: Its process id; 0 while it does not run.
        create_time_s: When that process was created (seconds since the epoch), to tell it from another of its id.
        since_s: When it entered its phase.
        restarts: How often it was started again after a crash.
        detail: What it waits for, or how it ended.
    """

    name: str
    log: str
    ports: Mapping[str, int] = field(default_factory=dict)
    sockets: Mapping[str, str] = field(default_factory=dict)
    phase: ProcessPhase = ProcessPhase.WAITING
    pid: int = 0
    create_time_s: float = 0.0
    since_s: float = field(default_factory=time.time)
    restarts: int = 0
    detail: str = ""

    def enter(self, phase: ProcessPhase, detail: str = "") -> None:
        """Change the phase."""
        if phase is not self.phase:
            self.since_s = time.time()
        self.phase, self.detail = phase, detail


@dataclass
class SuiteState:
    """The whole suite; `error` says why it FAILED."""

    pid: int
    phase: Phase = Phase.STARTING
    started_s: float = field(default_factory=time.time)
    error: str = ""
    processes: list[ProcessState] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Replace the file atomically."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> SuiteState | None:
        """Return what the file says, or None if there is none."""
        try:
            values = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        processes = [ProcessState(**{**item, "phase": ProcessPhase(item["phase"])}) for item in values.pop("processes")]
        return cls(**{**values, "phase": Phase(values["phase"]), "processes": processes})


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replace a JSON file so that a reader sees the old or the new one, never a part."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(values, indent=2) + "\n")
    temporary.replace(path)
