"""Quick answers about models, without a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from palmette.aio.artifacts import artifact_name
from palmette.aio.connection import Connection
from palmette.types import Artifact, ModelInspection, RepresentationComparison, SparsityPlan
from palmette.wire.models import comparison_from, inspection_from, plan_from
from palmette.wire.scalars import struct_of
from palmette_protos.guided_training.v1 import guided_training_pb2
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2


class ModelCalls:
    """The part of a client that looks at models."""

    _connection: Connection

    async def inspect_model(self, model: str | Artifact, *, data: str = "") -> ModelInspection:
        """Return a model's layers with shapes, parameters, MACs and densities; `data` fixes the input's shape."""
        request = pruning_growth_pb2.InspectModelRequest(model=model_reference(model), data=data)
        call = self._connection.call
        return inspection_from(await call(self._connection.pruning_growth.InspectModel, request, timeout_s=120))

    async def plan_sparsity(
        self,
        model: str | Artifact,
        /,
        *,
        data: str = "",
        plugin: str = "",
        seed: int = 0,
        config: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> SparsityPlan:
        """Return the densities per layer that a method would use, without training.

        `config` and `settings` together are the method's settings; `plugin` is ``random-pruning`` when left out.
        """
        request = pruning_growth_pb2.PlanSparsityRequest(
            model=model_reference(model),
            data=data,
            plugin=plugin,
            seed=seed,
            config=struct_of({**(config or {}), **settings}, "config"),
        )
        call = self._connection.call
        return plan_from(await call(self._connection.pruning_growth.PlanSparsity, request, timeout_s=120))

    async def compare_representations(
        self,
        first: str | Artifact,
        second: str | Artifact,
        /,
        *,
        data: str,
        split: str = "validation",
        examples: int = 256,
        distance: str = "cka",
        seed: int = 0,
    ) -> RepresentationComparison:
        """Return how alike every layer of one model is to every layer of another on examples of a dataset.

        `distance` is ``cka`` (linear centred kernel alignment) or ``rsa`` (correlation of cosine matrices); `seed`
        draws the weights of untrained models.
        """
        request = guided_training_pb2.CompareRepresentationsRequest(
            first=model_reference(first),
            second=model_reference(second),
            data=data,
            split=split,
            examples=examples,
            distance=distance,
            seed=seed,
        )
        stub = self._connection.guided_training
        return comparison_from(await self._connection.call(stub.CompareRepresentations, request, timeout_s=120))


def model_reference(model: str | Artifact) -> str:
    """Return how a request names a model: an artifact by its reference, anything else as it is."""
    if isinstance(model, Artifact) or model.startswith("artifacts/"):
        return artifact_name(model).reference
    return model
