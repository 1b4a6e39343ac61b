"""The suite as the dashboard last saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from palmette.types import Component, DeploymentInfo, DeploymentStats, Health, HealthState, JobInfo


@dataclass(frozen=True)
class JobsNow:
    """Jobs that matter now: those that run, the first of the queue, the last that ended, the last that failed."""

    running: tuple[JobInfo, ...] = ()
    more_running: bool = False
    queued: tuple[JobInfo, ...] = ()
    more_queued: bool = False
    recent: tuple[JobInfo, ...] = ()
    failures: tuple[JobInfo, ...] = ()
    unreachable: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    known: bool = False


@dataclass(frozen=True)
class DeploymentsNow:
    """Deployments with their figures by name."""

    deployments: tuple[DeploymentInfo, ...] = ()
    stats: Mapping[str, DeploymentStats] = field(default_factory=dict)
    problem: str = ""
    known: bool = False


@dataclass(frozen=True)
class HealthNow:
    """The suite's health, or why it is not known."""

    health: Health | None = None
    problem: str = ""

    @property
    def state(self) -> HealthState:
        """The worst state of the whole; not knowing is the worst."""
        return self.health.state if self.health else HealthState.UNHEALTHY

    @property
    def components(self) -> tuple[Component, ...]:
        """Every part, worst first."""
        return self.health.components if self.health else ()

    @property
    def troubled(self) -> tuple[Component, ...]:
        """The parts that are not healthy, worst first."""
        return tuple(part for part in self.components if part.state is not HealthState.HEALTHY)
