"""Health, identities and models."""

from __future__ import annotations

from palmette.types import (
    Component,
    ComponentKind,
    Health,
    HealthState,
    Identity,
    LayerInfo,
    ModelInspection,
    PlannedLayer,
    Role,
    SparsityPlan,
)
from palmette.wire.scalars import enum_from, mapping_from, time_from
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2
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


def inspection_from(response: pruning_growth_pb2.InspectModelResponse) -> ModelInspection:
    """Return a model's layers and totals."""
    return ModelInspection(
        layers=tuple(
            LayerInfo(
                layer.name,
                layer.type,
                tuple(layer.weight_shape),
                tuple(layer.output_shape),
                layer.parameters,
                layer.nonzeros,
                layer.macs,
                layer.density,
                layer.maskable,
            )
            for layer in response.layers
        ),
        parameters=response.parameters,
        nonzeros=response.nonzeros,
        macs=response.macs,
        effective_macs=response.effective_macs,
        input_shape=tuple(response.input_shape),
        spec=mapping_from(response.spec),
    )


def plan_from(response: pruning_growth_pb2.PlanSparsityResponse) -> SparsityPlan:
    """Return densities per layer."""
    layers = tuple(PlannedLayer(layer.name, layer.density, layer.kept, layer.weights) for layer in response.layers)
    return SparsityPlan(layers, response.density, response.kept, response.maskable)
