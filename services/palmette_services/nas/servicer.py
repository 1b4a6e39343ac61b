"""``palmette.nas.v1.NasService``: fast answers, computed where torch is loaded."""

from __future__ import annotations

from typing import Any

from palmette_protos.nas.v1 import nas_pb2, nas_pb2_grpc
from palmette_services.runtime.rpc.operations import Operations


class NasServicer(nas_pb2_grpc.NasServiceServicer):
    """Answers by the service's operations."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def Specialize(self, request: nas_pb2.SpecializeRequest, context: Any) -> nas_pb2.SpecializeResponse:
        """Cut the best sub-network under limits out of a trained supernet."""
        limits = request.limits
        question = {
            "supernet": request.supernet,
            "limits": {"macs": limits.macs, "parameters": limits.parameters, "latency_ms": limits.latency_ms},
            "data": request.data,
            "seed": request.seed,
        }
        return await self._operations.answer("specialize", question, nas_pb2.SpecializeResponse(), context)

    async def EstimateArchitecture(
        self, request: nas_pb2.EstimateArchitectureRequest, context: Any
    ) -> nas_pb2.EstimateArchitectureResponse:
        """Tell what a described sub-network costs."""
        choice = request.choice
        question = {
            "supernet": request.supernet,
            "choice": {
                "depths": list(choice.depths),
                "expands": list(choice.expands),
                "kernels": list(choice.kernels),
                "resolution": choice.resolution,
            },
            "data": request.data,
            "measure_latency": request.measure_latency,
        }
        response = nas_pb2.EstimateArchitectureResponse()
        return await self._operations.answer("estimate-architecture", question, response, context)
