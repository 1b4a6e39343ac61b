"""palmette.v1.SuiteService: the monitor's findings on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

from palmette_gateway.control_plane.caller import AnyContext
from palmette_gateway.health.monitor import Health, HealthMonitor
from palmette_gateway.health.observation import Observation
from palmette_protos.v1 import suite_pb2, suite_pb2_grpc


class SuiteService(suite_pb2_grpc.SuiteServiceServicer):
    """Health now, and as it changes."""

    def __init__(self, monitor: HealthMonitor) -> None:
        self._monitor = monitor

    async def GetHealth(self, request: suite_pb2.GetHealthRequest, context: AnyContext) -> suite_pb2.GetHealthResponse:
        """Measure, unless that was done within the last second."""
        return health_message(await self._monitor.measure())

    async def WatchHealth(
        self, request: suite_pb2.WatchHealthRequest, context: AnyContext
    ) -> AsyncIterator[suite_pb2.WatchHealthResponse]:
        """Stream until the caller leaves."""
        async for health in self._monitor.watch():
            yield suite_pb2.WatchHealthResponse(health=health_message(health))


def health_message(health: Health) -> suite_pb2.GetHealthResponse:
    """Write a health as its message."""
    message = suite_pb2.GetHealthResponse(
        state=suite_pb2.HealthState.ValueType(health.state),
        components=[_component(part) for part in health.components],
    )
    message.time.FromDatetime(health.time)
    return message


def _component(part: Observation) -> suite_pb2.Component:
    component = suite_pb2.Component(name=part.name, reason=part.reason, version=part.version, figures=part.figures)
    component.kind = suite_pb2.ComponentKind.ValueType(part.kind)
    component.state = suite_pb2.HealthState.ValueType(part.state)
    if part.since is not None:
        component.since.FromDatetime(part.since)
    return component
