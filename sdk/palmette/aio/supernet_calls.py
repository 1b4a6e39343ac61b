"""Quick answers about supernets: a sub-network under limits, and what one costs."""

from __future__ import annotations

from collections.abc import Sequence

from palmette.aio.connection import Connection
from palmette.aio.model_calls import model_reference
from palmette.types import ArchitectureEstimate, Artifact, Specialisation
from palmette.wire.supernets import estimate_from, specialisation_from
from palmette_protos.nas.v1 import nas_pb2


class SupernetCalls:
    """The part of a client that asks about supernets."""

    _connection: Connection

    async def specialize(
        self,
        supernet: str | Artifact,
        /,
        *,
        macs: float = 0.0,
        parameters: float = 0.0,
        latency_ms: float = 0.0,
        data: str = "",
        seed: int = 0,
    ) -> Specialisation:
        """Cut the best sub-network under limits out of a trained supernet, without training, and save it.

        `macs`, `parameters` and `latency_ms` (for one image) are the limits; 0 is none, and at least one is needed.
        `data` is what the supernet was trained on when left out.
        """
        request = nas_pb2.SpecializeRequest(
            supernet=model_reference(supernet),
            limits=nas_pb2.SubnetworkLimits(macs=macs, parameters=parameters, latency_ms=latency_ms),
            data=data,
            seed=seed,
        )
        call = self._connection.call
        return specialisation_from(await call(self._connection.nas.Specialize, request, timeout_s=120))

    async def estimate_architecture(
        self,
        supernet: str | Artifact,
        /,
        *,
        depths: Sequence[int] = (),
        expands: Sequence[int] = (),
        kernels: Sequence[int] = (),
        resolution: int = 0,
        data: str = "",
        measure_latency: bool = False,
    ) -> ArchitectureEstimate:
        """Return what a sub-network of a supernet (trained, or a space such as ``zoo:mbv3-supernet``) costs.

        One depth stands for all stages, one expand ratio or kernel size for all blocks; what is left out is the
        largest. `data` decides channels, classes and image size of a space.
        """
        choice = nas_pb2.Subnetwork(depths=depths, expands=expands, kernels=kernels, resolution=resolution)
        request = nas_pb2.EstimateArchitectureRequest(
            supernet=model_reference(supernet), choice=choice, data=data, measure_latency=measure_latency
        )
        call = self._connection.call
        return estimate_from(await call(self._connection.nas.EstimateArchitecture, request, timeout_s=120))
