"""The suite's health as the SDK sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class HealthState(StrEnum):
    """How a part is."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"


class ComponentKind(StrEnum):
    """What a part is."""

    SERVICE = "SERVICE"
    GATEWAY = "GATEWAY"
    INFERENCE_SERVER = "INFERENCE_SERVER"
    MODEL = "MODEL"
    WORKER = "WORKER"
    KUBERNETES_WORKLOAD = "KUBERNETES_WORKLOAD"
    KUBERNETES_JOB = "KUBERNETES_JOB"


@dataclass(frozen=True)
class Component:
    """One part of the suite; `reason` says why it is not healthy and what to do."""

    name: str
    kind: ComponentKind
    state: HealthState
    reason: str = ""
    since: datetime | None = None
    version: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """The whole suite: the worst state of any service, gateway or inference server, and every part."""

    state: HealthState
    components: tuple[Component, ...]
    time: datetime | None = None
