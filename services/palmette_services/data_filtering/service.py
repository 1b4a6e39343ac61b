"""The service: its name, and what it adds to the runtime."""

from __future__ import annotations

from palmette_protos.data_filtering.v1 import data_filtering_pb2_grpc
from palmette_services.data_filtering.servicer import DataFilteringServicer
from palmette_services.runtime.rpc.operations import Operations
from palmette_services.runtime.runtime import Runtime

NAME = "data_filtering"


async def extend(runtime: Runtime) -> None:
    """Add the synchronous calls beside the jobs."""
    servicer = DataFilteringServicer(Operations(runtime.inspector))
    data_filtering_pb2_grpc.add_DataFilteringServiceServicer_to_server(servicer, runtime.server)
    runtime.reflect("palmette.data_filtering.v1.DataFilteringService")
