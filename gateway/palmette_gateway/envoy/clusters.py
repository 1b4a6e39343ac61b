"""What Envoy forwards to."""

from __future__ import annotations

from dataclasses import dataclass

from palmette_gateway.access.destinations import CONTROL_PLANE, DASHBOARD, TRITON
from palmette_gateway.addresses import UnixSocket, Upstream
from palmette_gateway.endpoints import Endpoints
from palmette_gateway.settings import Settings

# With a hyphen, so that no service can be called so.
COLLECTOR = "otlp-collector"


@dataclass(frozen=True)
class Cluster:
    """One destination of Envoy.

    Attributes:
        name: ``triton``, ``control_plane``, ``dashboard``, `COLLECTOR` or a service's name.
        address: Where it answers.
        grpc: It speaks gRPC and its health; else HTTP/1.1.
        service: It is a Palmette service, which may demand the internal secret.
        probed: Envoy asks for its health.
    """

    name: str
    address: Upstream
    grpc: bool = True
    service: bool = False
    probed: bool = True

    @property
    def resolved(self) -> bool:
        """Whether its address is known as it stands, without DNS."""
        return isinstance(self.address, UnixSocket) or self.address.is_ip


def clusters(settings: Settings, endpoints: Endpoints) -> list[Cluster]:
    """Every destination, the gateway's own first."""
    found = [
        Cluster(CONTROL_PLANE, settings.gateway_listen),
        Cluster(DASHBOARD, settings.dashboard_listen, grpc=False),
    ]
    if endpoints.triton_endpoint:
        found.append(Cluster(TRITON, endpoints.triton_endpoint))
    found += [Cluster(name, address, service=True) for name, address in sorted(endpoints.services.items())]
    if settings.collector:
        found.append(Cluster(COLLECTOR, settings.collector, probed=False))
    return found
