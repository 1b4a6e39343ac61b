"""The suite's health."""

from __future__ import annotations

from collections.abc import AsyncIterator

from palmette.types import Health
from palmette.wire.suite import health_from
from palmette_gateway.dashboard.calls.unary import listen
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_protos.v1 import suite_pb2


async def watch_health(suite: SuiteApi) -> AsyncIterator[Health]:
    """Yield the health at once, at every change, and now and then."""
    async for response in listen(suite.suite.WatchHealth, suite_pb2.WatchHealthRequest(), "the gateway"):
        yield health_from(response.health)
