"""Which cluster answers which method: one route a method and, where a header chooses, one a service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from palmette_gateway.access.destinations import CONTROL_PLANE, SHARED, TRITON, destination
from palmette_gateway.access.methods import Method, methods
from palmette_gateway.access.roles import Role
from palmette_gateway.endpoints import Endpoints

ANYONE = "anyone"
INFERENCE = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        name: Name in logs and statistics.
        path: Path that it matches, exactly.
        native: It matches plain gRPC only, and does without what that does not need: the gRPC-Web and JSON filters and
            a request id, a third of what Envoy adds to an inference.
        header_service: Value of ``x-palmette-service`` that it matches; any when empty.
        destination: Who should answer.
        cluster: Where it goes; empty when the suite has no such destination.
        role: Least role that may call, or ``anyone``.
        roles: All roles that may call.
        streaming: It has no deadline of its own and no limit on its body.
        idempotent: It may be tried again.
        timeout_s: Deadline in seconds.
    """

    name: str
    path: str
    native: bool
    header_service: str
    destination: str
    cluster: str
    role: str
    roles: tuple[str, ...]
    streaming: bool
    idempotent: bool
    timeout_s: float

    @property
    def disabled_filters(self) -> tuple[str, ...]:
        """HTTP filters that calls on this route do not pass through."""
        limit = ("body_size_limit",) if self.streaming else ()
        return (*limit, "grpc_web", "grpc_json_transcoder") if self.native else limit


def routes(endpoints: Endpoints, unary_timeout_s: float) -> list[Route]:
    """All routes; among those of one path the more particular come first."""
    present = {CONTROL_PLANE, *endpoints.services, *([TRITON] if endpoints.triton_endpoint else [])}
    return [
        _route(method, native, target, header, target if target in present else "", unary_timeout_s)
        for method in methods()
        for target, header in _targets(method, endpoints)
        for native in ((True, False) if method.path == INFERENCE else (False,))
    ]


def _targets(method: Method, endpoints: Endpoints) -> Iterator[tuple[str, str]]:
    if method.service in SHARED:
        yield from ((service, service) for service in sorted(endpoints.services))
    yield destination(method.service), ""


def _route(method: Method, native: bool, target: str, header: str, cluster: str, unary_timeout_s: float) -> Route:
    needed = method.rule.role
    return Route(
        name=f"{method.service}.{method.name}" + (f"@{header}" if header else ""),
        path=method.path,
        native=native,
        header_service=header,
        destination=target,
        cluster=cluster,
        role=needed.claim if needed else ANYONE,
        roles=tuple(role.claim for role in Role if needed and role.allows(needed)),
        streaming=method.streaming,
        idempotent=method.rule.idempotent,
        timeout_s=method.rule.timeout_s or unary_timeout_s,
    )
