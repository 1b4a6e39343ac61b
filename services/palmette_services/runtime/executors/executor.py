"""What starts workers and sees them end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from palmette_plugins.api.errors import FieldViolation
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.jobs.failures import JobFailure
from palmette_services.runtime.scheduling.capacity import Capacity


@dataclass(frozen=True)
class WorkerLaunch:
    """What a worker knows before it has talked to its service.

    Attributes:
        job: Name of the job.
        attempt: Which attempt this is.
        secret: Proves to the service that it is this attempt; never in a command line or a log.
        endpoint: Where the service listens.
        lease_s: Silence after which it must stop.
        cpu: Cores it may use.
        gpus: Indices of the GPUs it may use.
        memory_bytes: Memory that it may take, with all that it starts; 0 for no limit.
        log_path: File that takes what it prints.
        otlp_endpoint: Collector that it sends its trace to; empty for none.
        traceparent: The call that submitted the job, for its trace.
    """

    job: str
    attempt: int
    secret: str
    endpoint: str
    lease_s: float
    cpu: float
    gpus: tuple[int, ...]
    memory_bytes: int
    log_path: str
    otlp_endpoint: str = ""
    traceparent: str = ""


@dataclass(frozen=True)
class WorkerExit:
    """How a worker ended.

    Attributes:
        cause: For a person, such as ``the worker was killed by SIGKILL``; empty if it ended well.
        advice: What a person can do about it.
        output_tail: The end of what it printed.
        never_ran: Whether it cannot have begun: the loss says nothing about the job.
        fault: What the job itself did, and would do again: it fails with this.
    """

    cause: str
    advice: str = ""
    output_tail: str = ""
    never_ran: bool = False
    fault: JobFailure | None = None


class Executor(ABC):
    """Runs workers somewhere.

    A handle is a short text that names a worker for good: it is stored with the job, so that a service that
    was restarted finds its workers again.
    """

    @property
    @abstractmethod
    def capacity(self) -> Capacity:
        """What all jobs together may use."""

    @abstractmethod
    def violations(self, resources: job_pb2.Resources) -> Iterable[FieldViolation]:
        """Yield what a job asks for and cannot get here."""

    @abstractmethod
    async def warm(self) -> None:
        """Prepare for the first start."""

    @abstractmethod
    async def start(self, launch: WorkerLaunch) -> str:
        """Start a worker; return its handle."""

    @abstractmethod
    async def alive(self, handle: str) -> bool:
        """Tell whether the worker of a handle from an earlier life of the service still runs."""

    @abstractmethod
    def gpus(self, handle: str) -> tuple[int, ...]:
        """Return the indices of the GPUs that the worker of a handle has."""

    @abstractmethod
    async def wait(self, handle: str) -> WorkerExit:
        """Wait for the end of a worker."""

    @abstractmethod
    async def kill(self, handle: str) -> None:
        """Make sure that a worker, and every process that it started, ends now."""
