"""Jobs as the SDK sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from palmette.types.artifact import ArtifactName
from palmette.types.failure import Failure


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Whether the job stays in this state unless it is retried."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Resources:
    """What a job may use per node; zero means the service's default."""

    gpus: int = 0
    cpu: float = 0.0
    memory_bytes: int = 0
    nodes: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a job is: done share in [0, 1], what it is doing, and the estimated time to the end."""

    fraction: float = 0.0
    message: str = ""
    eta: timedelta | None = None


class Outputs(Mapping[str, ArtifactName]):
    """A job's artifacts by output name.

    ``outputs["model"]`` is the artifact of an output that holds one; `all` gives those of a list output.
    """

    def __init__(self, names: Mapping[str, tuple[ArtifactName, ...]]) -> None:
        self._names = dict(names)

    def __getitem__(self, output: str) -> ArtifactName:
        names = self.all(output)
        if len(names) != 1:
            raise ValueError(f"output '{output}' holds {len(names)} artifacts; take outputs.all('{output}')")
        return names[0]

    def all(self, output: str) -> tuple[ArtifactName, ...]:
        """Return every artifact of an output, in the order in which they were saved."""
        if output not in self._names:
            there = ", ".join(sorted(self._names)) or "none yet"
            raise KeyError(f"no output named '{output}'; there is: {there}")
        return self._names[output]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outputs) and self._names == other._names

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._names.items())))

    def __repr__(self) -> str:
        return f"Outputs({self._names!r})"

    def as_dict(self) -> dict[str, list[str]]:
        """Return plain lists of names by output."""
        return {output: [str(name) for name in names] for output, names in self._names.items()}


@dataclass(frozen=True)
class JobInfo:
    """A job at one moment; fields are those of the message ``palmette.v1.Job``.

    Attributes:
        name: ``services/{service}/jobs/{id}``.
        plugin: Name of the method.
        inputs: References by input name.
        config: The configuration as submitted, or with its defaults once stored.
        waiting_reason: Why a queued job does not run yet.
        failure: Why it failed; None unless it did.
        last_sequence: Sequence of its newest event.
    """

    name: str
    plugin: str
    state: JobState
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    resources: Resources = Resources()
    attempt: int = 0
    progress: Progress = Progress()
    create_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    outputs: Outputs = field(default_factory=lambda: Outputs({}))
    failure: Failure | None = None
    parent: str = ""
    user: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None
    waiting_reason: str = ""
    last_sequence: int = 0
    request_id: str = ""
    cancel_requested: bool = False

    @property
    def service(self) -> str:
        """Service that runs it."""
        return self.name.split("/")[1]

    @property
    def id(self) -> str:
        """Last part of its name."""
        return self.name.rsplit("/", 1)[-1]
