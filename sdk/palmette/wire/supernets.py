"""Sub-networks and what they cost."""

from __future__ import annotations

from palmette.types import ArchitectureEstimate, Specialisation, Subnetwork
from palmette_protos.nas.v1 import nas_pb2


def specialisation_from(response: nas_pb2.SpecializeResponse) -> Specialisation:
    """Return a sub-network that was cut out."""
    return Specialisation(
        artifact=response.artifact,
        choice=_subnetwork_from(response.choice),
        parameters=response.parameters,
        macs=response.macs,
        latency_ms=response.latency_ms,
        predicted_accuracy=response.predicted_accuracy,
        accuracy=response.accuracy,
        seconds=response.seconds,
    )


def estimate_from(response: nas_pb2.EstimateArchitectureResponse) -> ArchitectureEstimate:
    """Return what a sub-network costs."""
    return ArchitectureEstimate(
        choice=_subnetwork_from(response.choice),
        model=response.model,
        parameters=response.parameters,
        macs=response.macs,
        latency_ms=response.latency_ms if response.HasField("latency_ms") else None,
        predicted_accuracy=response.predicted_accuracy if response.HasField("predicted_accuracy") else None,
    )


def _subnetwork_from(choice: nas_pb2.Subnetwork) -> Subnetwork:
    return Subnetwork(tuple(choice.depths), tuple(choice.expands), tuple(choice.kernels), choice.resolution)
