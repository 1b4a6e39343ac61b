"""``palmette.pruning_growth.v1.PruningGrowthService``: fast answers, computed where torch is loaded."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from palmette_protos.pruning_growth.v1 import pruning_growth_pb2, pruning_growth_pb2_grpc
from palmette_services.runtime.inspector import Inspector
from palmette_services.runtime.rpc.structs import struct_to_dict

_LONGEST_S = 120.0
_Response = TypeVar("_Response", bound=Message)


class PruningGrowthServicer(pruning_growth_pb2_grpc.PruningGrowthServiceServicer):
    """Asks the inspector; this process never loads a model."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def InspectModel(
        self, request: pruning_growth_pb2.InspectModelRequest, context: Any
    ) -> pruning_growth_pb2.InspectModelResponse:
        """List a model's layers."""
        question = {"model": request.model, "data": request.data}
        answer = await self._inspector.call("inspect-model", question, _patience_s(context))
        return _message(answer, pruning_growth_pb2.InspectModelResponse())

    async def PlanSparsity(
        self, request: pruning_growth_pb2.PlanSparsityRequest, context: Any
    ) -> pruning_growth_pb2.PlanSparsityResponse:
        """Return the densities per layer that a method would use."""
        question = {
            "model": request.model,
            "data": request.data,
            "plugin": request.plugin,
            "config": struct_to_dict(request.config),
            "seed": request.seed,
        }
        answer = await self._inspector.call("plan-sparsity", question, _patience_s(context))
        return _message(answer, pruning_growth_pb2.PlanSparsityResponse())


def _patience_s(context: Any) -> float:
    """Return how long the caller waits for the answer, within reason."""
    left_s: float | None = context.time_remaining()
    return _LONGEST_S if left_s is None else min(left_s, _LONGEST_S)


def _message(answer: dict[str, Any], message: _Response) -> _Response:
    parsed: _Response = ParseDict(answer, message)
    return parsed
