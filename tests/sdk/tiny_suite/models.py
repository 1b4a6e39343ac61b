"""Quick answers about one small network: three layers, one of them pruned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from palmette_protos.guided_training.v1 import guided_training_pb2, guided_training_pb2_grpc
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2, pruning_growth_pb2_grpc

LAYERS = (
    pruning_growth_pb2.Layer(
        name="stages.0.conv",
        type="Conv2d",
        weight_shape=[16, 3, 3, 3],
        output_shape=[16, 32, 32],
        parameters=432,
        nonzeros=43,
        macs=442_368,
        density=0.1,
        maskable=True,
    ),
    pruning_growth_pb2.Layer(
        name="flatten[0]", type="Flatten", output_shape=[16384], parameters=0, nonzeros=0, macs=0, density=1.0
    ),
    pruning_growth_pb2.Layer(
        name="fc",
        type="Linear",
        weight_shape=[10, 16384],
        output_shape=[10],
        parameters=163_850,
        nonzeros=163_850,
        macs=163_840,
        density=1.0,
        maskable=True,
    ),
)


class TinyPruningGrowth(pruning_growth_pb2_grpc.PruningGrowthServiceServicer):
    """Knows `zoo:tiny`, and artifacts; keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def InspectModel(self, request: Any, context: Any) -> pruning_growth_pb2.InspectModelResponse:
        self.requests.append(request)
        _refuse_unknown("model", request.model, context)
        return pruning_growth_pb2.InspectModelResponse(
            layers=LAYERS,
            parameters=sum(layer.parameters for layer in LAYERS),
            nonzeros=sum(layer.nonzeros for layer in LAYERS),
            macs=sum(layer.macs for layer in LAYERS),
            effective_macs=44_032 + 163_840,
            input_shape=[3, 32, 32],
        )

    def PlanSparsity(self, request: Any, context: Any) -> pruning_growth_pb2.PlanSparsityResponse:
        self.requests.append(request)
        _refuse_unknown("model", request.model, context)
        density = request.config["density"]
        if not 0 < density <= 1:
            _refuse([("config.density", f"must be above 0 and at most 1, got {density:g}")], context)
        planned = [
            pruning_growth_pb2.PlannedLayer(
                name=layer.name, density=density, kept=round(density * layer.macs), weights=layer.macs
            )
            for layer in LAYERS
            if layer.maskable
        ]
        kept, maskable = sum(layer.kept for layer in planned), sum(layer.weights for layer in planned)
        return pruning_growth_pb2.PlanSparsityResponse(
            layers=planned, density=kept / maskable, kept=kept, maskable=maskable
        )


class TinyGuidedTraining(guided_training_pb2_grpc.GuidedTrainingServiceServicer):
    """Finds the layers of `zoo:tiny` alike as `rows` say."""

    rows = ((1.0, 0.25, -0.5), (0.2, 0.999, 0.3))

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def CompareRepresentations(self, request: Any, context: Any) -> guided_training_pb2.CompareRepresentationsResponse:
        self.requests.append(request)
        _refuse_unknown("first", request.first, context)
        _refuse_unknown("second", request.second, context)
        answer = guided_training_pb2.CompareRepresentationsResponse(
            first_layers=["stages.0.conv", "flatten[0]"],
            second_layers=["conv", "flatten[0]", "fc"],
            rows=[guided_training_pb2.SimilarityRow(similarities=row) for row in self.rows],
            examples=request.examples,
        )
        answer.figure.update({"mark": "rect"})
        return answer


def _refuse_unknown(field: str, reference: str, context: Any) -> None:
    if not reference.startswith(("zoo:tiny", "artifact:")):
        _refuse([(field, f"no zoo model named '{reference.partition(':')[2]}'; known: tiny")], context)


def _refuse(violations: Sequence[tuple[str, str]], context: Any) -> None:
    packed = AnyMessage()
    violation = error_details_pb2.BadRequest.FieldViolation
    packed.Pack(
        error_details_pb2.BadRequest(
            field_violations=[violation(field=field, description=text) for field, text in violations]
        )
    )
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="invalid", details=[packed])
    context.abort_with_status(rpc_status.to_status(status))
