"""One attempt of one job while its worker runs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import Enum

from palmette_services.runtime.scheduling.capacity import Demand


class StopKind(Enum):
    """Why a worker was told to stop."""

    CANCEL = "cancel"
    DRAIN = "drain"


@dataclass(frozen=True)
class StopRequest:
    """Tells a worker to stop: why, and since when (monotonic seconds)."""

    kind: StopKind
    reason: str
    since_s: float


@dataclass(eq=False)
class Attempt:
    """What the service knows of a running attempt.

    Attributes:
        job_id: ULID of the job.
        number: Which attempt of the job it is.
        demand: What it takes of the capacity.
        gpus: Indices of its GPUs.
        handle: The executor's name for its worker.
        ready: Set once the handle is stored: from then on a restarted service finds the worker.
        heard_s: When the worker was last heard (monotonic seconds).
        stop: The request to stop, if there is one.
        reported_s: When the worker reported its end and that was stored.
        changed: Set when `stop` or `reported_s` changed.
        connection: The newest stream of the worker; an older one must end.
    """

    job_id: str
    number: int
    demand: Demand
    gpus: tuple[int, ...] = ()
    handle: str = ""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    heard_s: float = field(default_factory=time.monotonic)
    stop: StopRequest | None = None
    reported_s: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    connection: object = None
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def draining(self) -> bool:
        """Whether it was told to stop because the service stops."""
        return self.stop is not None and self.stop.kind is StopKind.DRAIN

    def hear(self) -> None:
        """Note that the worker is alive."""
        self.heard_s = time.monotonic()

    def request_stop(self, kind: StopKind, reason: str) -> None:
        """Tell the worker to stop; the first request counts, except that a cancel outranks a drain."""
        if self.stop is None or (self.draining and kind is StopKind.CANCEL):
            self.stop = StopRequest(kind, reason, time.monotonic())
            self._stopped.set()
            self.changed.set()

    async def stop_requested(self) -> StopRequest:
        """Wait until it is told to stop."""
        await self._stopped.wait()
        if self.stop is None:
            raise RuntimeError("stopped without a request")
        return self.stop

    def report_end(self) -> None:
        """Note that the worker reported its end and that it is stored."""
        self.reported_s = time.monotonic()
        self.changed.set()


@dataclass(frozen=True)
class Patience:
    """How long the service waits for a worker, in seconds."""

    lease_s: float
    stop_grace_s: float
    exit_grace_s: float = 5.0


@dataclass(frozen=True)
class Overdue:
    """A worker to kill: `cause` is what goes into the job's history; empty if the job has ended already."""

    cause: str
    advice: str = ""


async def wait_until_overdue(attempt: Attempt, patience: Patience) -> Overdue:
    """Return when the worker must be killed: it does not stop, does not exit, or is not heard any more."""
    while True:
        attempt.changed.clear()
        now_s = time.monotonic()
        deadline_s, overdue = _deadline(attempt, patience)
        if now_s >= deadline_s:
            return overdue
        try:
            async with asyncio.timeout(deadline_s - now_s):
                await attempt.changed.wait()
        except TimeoutError:
            continue  # the deadline may have moved on meanwhile


def _deadline(attempt: Attempt, patience: Patience) -> tuple[float, Overdue]:
    if attempt.reported_s is not None:
        return attempt.reported_s + patience.exit_grace_s, Overdue("")
    silent = Overdue(
        f"the worker did not answer for {patience.lease_s:g} s",
        "it hung in native code, or the machine is overloaded; see the end of its log",
    )
    deadlines = [(attempt.heard_s + patience.lease_s, silent)]
    if attempt.stop is not None:
        text = f"the worker did not stop within {patience.stop_grace_s:g} s and was killed"
        deadlines.append((attempt.stop.since_s + patience.stop_grace_s, Overdue(text)))
    return min(deadlines, key=lambda pair: pair[0])
