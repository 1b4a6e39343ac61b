"""The service: its name, and what it adds to the runtime."""

from __future__ import annotations

from palmette_protos.nas.v1 import nas_pb2_grpc
from palmette_services.nas.servicer import NasServicer
from palmette_services.runtime.rpc.operations import Operations
from palmette_services.runtime.runtime import Runtime

NAME = "nas"


async def extend(runtime: Runtime) -> None:
    """Add the synchronous calls beside the jobs."""
    nas_pb2_grpc.add_NasServiceServicer_to_server(NasServicer(Operations(runtime.inspector)), runtime.server)
    runtime.reflect("palmette.nas.v1.NasService")
