"""What jobs may use at the same time, and who may take it next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from palmette_plugins.api.errors import FieldViolation
from palmette_protos.v1 import job_pb2


@dataclass(frozen=True)
class Demand:
    """What one job takes: cores, GPUs, bytes of memory, and always one slot."""

    cpu: float
    gpus: int = 0
    memory_bytes: int = 0
    slots: int = 1


@dataclass(frozen=True)
class Capacity:
    """What there is, or what is left of it."""

    slots: int
    cpu: float
    gpus: int
    memory_bytes: int

    def without(self, demand: Demand) -> Capacity:
        """Return what is left beside a job."""
        return Capacity(
            self.slots - demand.slots,
            self.cpu - demand.cpu,
            self.gpus - demand.gpus,
            self.memory_bytes - demand.memory_bytes,
        )

    def lacks(self, demand: Demand) -> list[str]:
        """Return the names of what there is too little of."""
        names = ("slots", "cpu", "gpus", "memory_bytes")
        return [name for name in names if getattr(demand, name) > getattr(self, name) + 1e-9]

    def kept_for(self, demand: Demand) -> Capacity:
        """Return what others may use while this job waits: nothing of what it lacks.

        So a large job is not starved by small ones that always fit, and jobs that need none of what it
        waits for still run.
        """
        return replace(self, **{name: type(getattr(self, name))(0) for name in self.lacks(demand)})


def demand_of(resources: job_pb2.Resources, default_cpu: float) -> Demand:
    """Return what a job with these resources takes."""
    return Demand(resources.cpu or default_cpu, resources.gpus, resources.memory_bytes)


def fitting(waiting: Iterable[tuple[str, Demand]], free: Capacity) -> Iterator[str]:
    """Yield the ids of the jobs that start now, given in the order in which they wait."""
    for job_id, demand in waiting:
        if free.slots <= 0:
            return
        if free.lacks(demand):
            free = free.kept_for(demand)
        else:
            free = free.without(demand)
            yield job_id


def waiting_reason(demand: Demand, free: Capacity, total: Capacity) -> str:
    """Return why a job does not run yet, for a person."""
    lacks = free.lacks(demand)
    if "slots" in lacks:
        return f"waiting for a slot ({total.slots - free.slots} of {total.slots} busy)"
    if "gpus" in lacks:
        return f"waiting for {demand.gpus} GPU{'s' * (demand.gpus > 1)} ({max(free.gpus, 0)} of {total.gpus} free)"
    if "cpu" in lacks:
        return f"waiting for {demand.cpu:g} cores ({max(free.cpu, 0.0):g} of {total.cpu:g} free)"
    if "memory_bytes" in lacks:
        return f"waiting for {_gb(demand.memory_bytes)} of memory ({_gb(max(free.memory_bytes, 0))} free)"
    return "about to start"


def impossible(resources: job_pb2.Resources, total: Capacity, default_cpu: float) -> Iterator[FieldViolation]:
    """Yield a violation for everything that a job asks for and never gets here."""
    lacks = total.lacks(demand_of(resources, default_cpu))
    if "gpus" in lacks:
        yield FieldViolation("job.resources.gpus", f"asks for {resources.gpus}; this service has {total.gpus}")
    if "cpu" in lacks:
        yield FieldViolation("job.resources.cpu", f"asks for {resources.cpu:g} cores; this service has {total.cpu:g}")
    if "memory_bytes" in lacks:
        text = f"asks for {_gb(resources.memory_bytes)}; this service has {_gb(total.memory_bytes)}"
        yield FieldViolation("job.resources.memory_bytes", text)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
