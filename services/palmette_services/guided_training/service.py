"""The service: its name, and what it adds to the runtime."""

from __future__ import annotations

from palmette_protos.guided_training.v1 import guided_training_pb2_grpc
from palmette_services.guided_training.servicer import GuidedTrainingServicer
from palmette_services.runtime.rpc.operations import Operations
from palmette_services.runtime.runtime import Runtime

NAME = "guided_training"


async def extend(runtime: Runtime) -> None:
    """Add the synchronous calls beside the jobs."""
    servicer = GuidedTrainingServicer(Operations(runtime.inspector))
    guided_training_pb2_grpc.add_GuidedTrainingServiceServicer_to_server(servicer, runtime.server)
    runtime.reflect("palmette.guided_training.v1.GuidedTrainingService")
