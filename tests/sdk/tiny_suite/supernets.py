"""Quick answers about one small supernet of two stages."""

from __future__ import annotations

from typing import Any

from palmette_protos.nas.v1 import nas_pb2, nas_pb2_grpc

CHOICE = nas_pb2.Subnetwork(depths=[1, 2], expands=[3, 4, 6], kernels=[3, 5, 7], resolution=28)


class TinyNas(nas_pb2_grpc.NasServiceServicer):
    """Has one sub-network; keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def Specialize(self, request: Any, context: Any) -> nas_pb2.SpecializeResponse:
        self.requests.append(request)
        return nas_pb2.SpecializeResponse(
            artifact="artifacts/" + "ab" * 32,
            choice=CHOICE,
            parameters=12_345,
            macs=678_901,
            latency_ms=1.25,
            predicted_accuracy=0.91,
            accuracy=0.9,
            seconds=2.5,
        )

    def EstimateArchitecture(self, request: Any, context: Any) -> nas_pb2.EstimateArchitectureResponse:
        self.requests.append(request)
        answer = nas_pb2.EstimateArchitectureResponse(
            choice=CHOICE, model="zoo:mobile-small?depths=1,2", parameters=12_345, macs=678_901
        )
        if request.measure_latency:
            answer.latency_ms = 1.25
        return answer
