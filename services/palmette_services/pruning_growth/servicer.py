"""``palmette.pruning_growth.v1.PruningGrowthService``: fast answers, computed where torch is loaded."""

from __future__ import annotations

from typing import Any

from palmette_protos.pruning_growth.v1 import pruning_growth_pb2, pruning_growth_pb2_grpc
from palmette_services.runtime.rpc.operations import Operations
from palmette_services.runtime.rpc.structs import struct_to_dict


class PruningGrowthServicer(pruning_growth_pb2_grpc.PruningGrowthServiceServicer):
    """Answers by the service's operations."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def InspectModel(
        self, request: pruning_growth_pb2.InspectModelRequest, context: Any
    ) -> pruning_growth_pb2.InspectModelResponse:
        """List a model's layers."""
        question = {"model": request.model, "data": request.data}
        response = pruning_growth_pb2.InspectModelResponse()
        return await self._operations.answer("inspect-model", question, response, context)

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
        response = pruning_growth_pb2.PlanSparsityResponse()
        return await self._operations.answer("plan-sparsity", question, response, context)
