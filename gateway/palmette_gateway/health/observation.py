"""What a probe says about one part of the suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Protocol


class State(IntEnum):
    """How a part is; the higher the worse. The numbers are those of palmette.v1.HealthState."""

    HEALTHY = 1
    DEGRADED = 2
    UNHEALTHY = 3


class Kind(IntEnum):
    """What a part is. The numbers are those of palmette.v1.ComponentKind."""

    SERVICE = 1
    GATEWAY = 2
    INFERENCE_SERVER = 3
    MODEL = 4
    WORKER = 5
    KUBERNETES_WORKLOAD = 6
    KUBERNETES_JOB = 7


@dataclass(frozen=True)
class Observation:
    """One part at one moment.

    Attributes:
        name: Unique name such as ``services/pruning_growth``.
        kind: What it is.
        state: How it is.
        reason: Why it is not healthy and what to do; empty when healthy.
        version: Version that it runs, or empty.
        figures: Measurements by name, the unit in the name.
        since: Since when it is in this state, where the part itself knows; else the monitor keeps count.
    """

    name: str
    kind: Kind
    state: State
    reason: str = ""
    version: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    since: datetime | None = None


class Probe(Protocol):
    """Looks at some parts of the suite. A later kind of part, such as Kubernetes, is one more probe in the list."""

    async def observe(self) -> Sequence[Observation]:
        """Look now. What does not answer is an observation, not an error."""
        ...
