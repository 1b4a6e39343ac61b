"""What Envoy forwards to."""

from __future__ import annotations

from dataclasses import dataclass

from palmette_gateway.access.destinations import CONTROL_PLANE, DASHBOARD, TRITON
from palmette_gateway.addresses import Address
from palmette_gateway.endpoints import Endpoints
from palmette_gateway.settings import Settings


@dataclass(frozen=True)
class Cluster:
    """One destination of Envoy.

    Attributes:
        name: ``triton``, ``control_plane``, ``dashboard`` or a service's name.
        address: Where it answers.
        grpc: It speaks gRPC and its health; else HTTP/1.1.
        service: It is a Palmette service, which may demand the internal secret.
    """

    name: str
    address: Address
    grpc: bool = True
    service: bool = False


def clusters(settings: Settings, endpoints: Endpoints) -> list[Cluster]:
    """Every destination, the gateway's own first."""
    found = [
        Cluster(CONTROL_PLANE, settings.gateway_listen),
        Cluster(DASHBOARD, settings.dashboard_listen, grpc=False),
    ]
    if endpoints.triton_endpoint:
        found.append(Cluster(TRITON, endpoints.triton_endpoint))
    found += [Cluster(name, address, service=True) for name, address in sorted(endpoints.services.items())]
    return found
