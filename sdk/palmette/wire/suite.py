"""Health and identities."""

from __future__ import annotations

from palmette.types import (
    Component,
    ComponentKind,
    Health,
    HealthState,
    Identity,
    Role,
)
from palmette.wire.scalars import enum_from, time_from
from palmette_protos.v1 import suite_pb2, token_pb2


def health_from(health: suite_pb2.GetHealthResponse) -> Health:
    """Return the suite's health."""
    return Health(
        state=_health_state(health.state),
        components=tuple(_component_from(component) for component in health.components),
        time=time_from(health, "time"),
    )


def _health_state(state: int) -> HealthState:
    return enum_from(suite_pb2.HealthState, state, "HEALTH_STATE_", HealthState)


def _component_from(component: suite_pb2.Component) -> Component:
    return Component(
        name=component.name,
        kind=enum_from(suite_pb2.ComponentKind, component.kind, "COMPONENT_KIND_", ComponentKind),
        state=_health_state(component.state),
        reason=component.reason,
        since=time_from(component, "since"),
        version=component.version,
        figures=dict(component.figures),
    )


def identity_from(response: token_pb2.GetIdentityResponse) -> Identity:
    """Return the caller."""
    role = enum_from(token_pb2.Role, response.role, "ROLE_", Role)
    return Identity(response.subject, role, time_from(response, "expire_time"))


def role_number(role: Role | str) -> token_pb2.Role.ValueType:
    """Return the protobuf number of a role."""
    return token_pb2.Role.Value(f"ROLE_{Role(role).name}")
