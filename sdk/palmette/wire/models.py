"""What the synchronous calls about models answer."""

from __future__ import annotations

from palmette.types import LayerInfo, ModelInspection, PlannedLayer, RepresentationComparison, SparsityPlan
from palmette.wire.scalars import mapping_from
from palmette_protos.guided_training.v1 import guided_training_pb2
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2


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


def comparison_from(response: guided_training_pb2.CompareRepresentationsResponse) -> RepresentationComparison:
    """Return similarities between layers."""
    return RepresentationComparison(
        first_layers=tuple(response.first_layers),
        second_layers=tuple(response.second_layers),
        similarities=tuple(tuple(row.similarities) for row in response.rows),
        examples=response.examples,
        figure=mapping_from(response.figure),
    )
