"""``palmette.guided_training.v1.GuidedTrainingService``: fast answers, computed where torch is loaded."""

from __future__ import annotations

from typing import Any

from palmette_protos.guided_training.v1 import guided_training_pb2, guided_training_pb2_grpc
from palmette_services.runtime.rpc.operations import Operations


class GuidedTrainingServicer(guided_training_pb2_grpc.GuidedTrainingServiceServicer):
    """Answers by the service's operations."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def CompareRepresentations(
        self, request: guided_training_pb2.CompareRepresentationsRequest, context: Any
    ) -> guided_training_pb2.CompareRepresentationsResponse:
        """Compare every layer of one model with every layer of another."""
        question = {
            "first": request.first,
            "second": request.second,
            "data": request.data,
            "split": request.split,
            "examples": request.examples,
            "distance": request.distance,
            "seed": request.seed,
        }
        response = guided_training_pb2.CompareRepresentationsResponse()
        return await self._operations.answer("compare-representations", question, response, context)
