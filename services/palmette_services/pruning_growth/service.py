"""The service: its name, and what it adds to the runtime."""

from __future__ import annotations

from palmette_protos.pruning_growth.v1 import pruning_growth_pb2_grpc
from palmette_services.pruning_growth.servicer import PruningGrowthServicer
from palmette_services.runtime.rpc.operations import Operations
from palmette_services.runtime.runtime import Runtime

NAME = "pruning_growth"


async def extend(runtime: Runtime) -> None:
    """Add the synchronous calls beside the jobs."""
    servicer = PruningGrowthServicer(Operations(runtime.inspector))
    pruning_growth_pb2_grpc.add_PruningGrowthServiceServicer_to_server(servicer, runtime.server)
    runtime.reflect("palmette.pruning_growth.v1.PruningGrowthService")
