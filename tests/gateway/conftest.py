"""The gateway in front of small real servers, started once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.upstream import Upstream

from palmette_gateway.access.destinations import CONTROL_PLANE, TRITON, destination
from palmette_gateway.contracts import public_descriptors, services

SERVICE_LIMIT = 8 << 20  # as the services have it


@dataclass
class Front:
    """A gateway and what stands behind it."""

    gateway: RunningGateway
    services: dict[str, Upstream]
    triton: Upstream

    @property
    def everything(self) -> list[Upstream]:
        """All upstreams."""
        return [*self.services.values(), self.triton]

    def forget(self) -> None:
        """Drop what the upstreams noted and were told."""
        for upstream in self.everything:
            upstream.calls.clear()
            upstream.answers.clear()


@pytest.fixture(scope="session")
def shared_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One gateway for all tests that only call it."""
    names = sorted({destination(service) for service in services(public_descriptors())} - {CONTROL_PLANE, TRITON})
    upstreams = {name: Upstream(name, max_message_bytes=SERVICE_LIMIT) for name in names}
    triton = Upstream("triton")
    gateway = RunningGateway(tmp_path_factory.mktemp("gateway"), upstreams, triton)
    yield Front(gateway, upstreams, triton)
    gateway.stop()
    for upstream in [*upstreams.values(), triton]:
        upstream.stop()


@pytest.fixture
def front(shared_front: Front) -> Front:
    """The shared gateway with upstreams that have seen nothing yet."""
    shared_front.forget()
    return shared_front


@pytest.fixture
def gateway(front: Front) -> RunningGateway:
    """The shared gateway."""
    return front.gateway
