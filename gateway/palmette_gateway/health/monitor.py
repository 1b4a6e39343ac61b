"""Asks all probes again and again, and remembers since when each part is as it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from palmette_gateway.control_plane.metrics import COMPONENT_STATE
from palmette_gateway.health.observation import Kind, Observation, Probe, State

WATCHED_INTERVAL_S = 2.0
IDLE_INTERVAL_S = 15.0
FRESH_S = 1.0
REPEAT_S = 30.0
DECIDING = frozenset({Kind.SERVICE, Kind.GATEWAY, Kind.INFERENCE_SERVER})

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Health:
    """The whole suite at one moment: every part, worst first, each with its `since`."""

    state: State
    components: tuple[Observation, ...]
    time: datetime


class HealthMonitor:
    """Measures often while someone watches, and rarely otherwise."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes
        self._since: dict[str, tuple[State, datetime]] = {}
        self._latest: Health | None = None
        self._measured_s = 0.0
        self._measuring = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._watchers = 0
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            await self.measure()
            interval_s = WATCHED_INTERVAL_S if self._watchers else IDLE_INTERVAL_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), interval_s)
            self._wanted.clear()

    async def measure(self) -> Health:
        """The health now, at most a second old."""
        async with self._measuring:
            if self._latest is not None and time.monotonic() - self._measured_s < FRESH_S:
                return self._latest
            found = await asyncio.gather(*(_observe(probe) for probe in self._probes))
            health = self._assess([observation for observations in found for observation in observations])
            self._measured_s = time.monotonic()
        async with self._changed:
            self._latest = health
            self._changed.notify_all()
        return health

    async def watch(self) -> AsyncIterator[Health]:
        """The health at once, then at every change, and at least every 30 seconds."""
        with self._watching():
            sent = await self.measure()
            yield sent
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._change_from(sent), REPEAT_S)
                latest = self._latest or sent
                yield latest
                sent = latest

    async def _change_from(self, sent: Health) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._latest is not None and self._latest.components != sent.components
            )

    @contextmanager
    def _watching(self) -> Iterator[None]:
        self._watchers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._watchers -= 1

    def _assess(self, observations: Sequence[Observation]) -> Health:
        now = datetime.now(UTC)
        components = [self._dated(observation, now) for observation in observations]
        self._since = {part.name: (part.state, part.since or now) for part in components}
        components.sort(key=lambda part: (-part.state, part.kind, part.name))
        COMPONENT_STATE.clear()
        for part in components:
            COMPONENT_STATE.labels(part.name, part.kind.name.lower()).set(part.state)
        deciding = [part.state for part in components if part.kind in DECIDING]
        return Health(max(deciding, default=State.HEALTHY), tuple(components), now)

    def _dated(self, observation: Observation, now: datetime) -> Observation:
        before = self._since.get(observation.name)
        if before is not None and before[0] is not observation.state:
            log.info(
                "health changed", part=observation.name, state=observation.state.name, reason=observation.reason or None
            )
        if observation.since is not None:
            return observation
        since = before[1] if before is not None and before[0] is observation.state else now
        return replace(observation, since=since)


async def _observe(probe: Probe) -> Sequence[Observation]:
    """What the probe finds. A probe that fails is a part of the suite that fails, and must not end the monitor."""
    try:
        return await probe.observe()
    except Exception as error:
        name = f"gateway/{type(probe).__name__}"
        log.exception("a probe failed", probe=name)
        reason = f"this check of health itself failed ({type(error).__name__}): the gateway's log has the details"
        return [Observation(name, Kind.GATEWAY, State.DEGRADED, reason)]
