"""The calls about models: the services' own servicers and operations, computed in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from palmette_plugins.api.operations import call_operation
from palmette_protos.guided_training.v1.guided_training_pb2_grpc import add_GuidedTrainingServiceServicer_to_server
from palmette_protos.pruning_growth.v1.pruning_growth_pb2_grpc import add_PruningGrowthServiceServicer_to_server
from palmette_services.guided_training.servicer import GuidedTrainingServicer
from palmette_services.pruning_growth.servicer import PruningGrowthServicer
from palmette_services.runtime.rpc.operations import Operations

_Response = TypeVar("_Response", bound=Message)


class OwnOperations(Operations):
    """Runs a service's operations in a thread instead of an inspector's process; notes the role of each caller."""

    def __init__(self, service: str, roles: list[str]) -> None:
        self._service = service
        self._roles = roles

    async def answer(self, name: str, question: Mapping[str, Any], response: _Response, context: Any) -> _Response:
        """Call the operation `name` and return its answer in `response`."""
        self._roles.append(str(dict(context.invocation_metadata()).get("x-palmette-role", "")))
        parsed: _Response = ParseDict(
            await asyncio.to_thread(call_operation, self._service, name, dict(question)), response
        )
        return parsed


def add_model_calls(service: str, server: grpc.aio.Server, roles: list[str]) -> None:
    """Let a server answer the calls about models that its service has."""
    operations = OwnOperations(service, roles)
    if service == "pruning_growth":
        add_PruningGrowthServiceServicer_to_server(PruningGrowthServicer(operations), server)
    if service == "guided_training":
        add_GuidedTrainingServiceServicer_to_server(GuidedTrainingServicer(operations), server)
