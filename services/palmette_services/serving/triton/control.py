"""What the service asks of Triton: load, unload, infer, and say how it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from palmette_plugins.api.errors import FailedPrecondition, Unavailable
from palmette_services.serving.triton.model_config import datatype_of

_QUICK_S = 5.0
_LOAD_S = 300.0
_POLL_S = 0.1
# Triton restarts within seconds; gRPC's own backoff would leave us waiting for up to two minutes.
_CHANNEL = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1000)]
_UNREACHABLE = ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.CANCELLED")


@dataclass(frozen=True)
class ModelStatus:
    """One line of Triton's repository index: `state` is READY, LOADING, UNLOADING, UNAVAILABLE or empty."""

    model: str
    version: int
    state: str
    reason: str


class TritonControl:
    """Calls one Triton. Every method raises `Unavailable` while it does not answer."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._client = InferenceServerClient(endpoint, channel_args=_CHANNEL)

    async def close(self) -> None:
        """Close the channel."""
        await self._client.close()

    async def check_ready(self) -> None:
        """Return if Triton answers and takes inferences; raise `Unavailable` otherwise."""
        if not await self._call("health", self._client.is_server_ready(client_timeout=_QUICK_S)):
            raise Unavailable(f"Triton at {self.endpoint} is not ready")

    async def index(self) -> list[ModelStatus]:
        """Return what Triton knows of the models in its repository."""
        index = await self._call("index", self._client.get_model_repository_index(client_timeout=_QUICK_S))
        return [
            ModelStatus(item.name, int(item.version or 0), item.state, _first_line(item.reason))
            for item in index.models
        ]

    async def ready_versions(self, model: str) -> list[int]:
        """Return the versions of a model that serve."""
        return [status.version for status in await self.index() if status.model == model and status.state == "READY"]

    async def load(self, model: str) -> None:
        """Load a model as its configuration on the disk says, or replace what is loaded without a gap.

        Raises:
            FailedPrecondition: It does not load; what was loaded before serves on.
        """
        await self._call(f"load of '{model}'", self._client.load_model(model, client_timeout=_LOAD_S))

    async def unload(self, model: str, timeout_s: float = 60.0) -> None:
        """Refuse new requests for a model, wait for those that run, and return when it is gone."""
        await self._call(f"unload of '{model}'", self._client.unload_model(model, client_timeout=_LOAD_S))
        async with asyncio.timeout(timeout_s):
            while any(item.model == model and item.state == "UNLOADING" for item in await self.index()):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)

    async def infer(
        self, model: str, inputs: Mapping[str, numpy.ndarray], outputs: Sequence[str], version: int = 0
    ) -> dict[str, numpy.ndarray]:
        """Run one inference; `inputs` have the batch as their first dimension."""
        tensors = []
        for name, array in inputs.items():
            tensor = InferInput(name, list(array.shape), datatype_of(array.dtype.name))
            tensor.set_data_from_numpy(numpy.ascontiguousarray(array))
            tensors.append(tensor)
        result = await self._call(
            f"inference with '{model}'",
            self._client.infer(
                model,
                tensors,
                model_version=str(version) if version else "",
                outputs=[InferRequestedOutput(name) for name in outputs],
                client_timeout=_LOAD_S,
            ),
        )
        return {name: result.as_numpy(name) for name in outputs}

    async def statistics(self) -> Any:
        """Return the statistics of all loaded models, a ``inference.ModelStatisticsResponse``."""
        return await self._call("statistics", self._client.get_inference_statistics(client_timeout=_QUICK_S))

    async def _call(self, what: str, call: Any) -> Any:
        try:
            return await call
        except InferenceServerException as error:
            if error.status() in _UNREACHABLE:
                raise Unavailable(
                    f"Triton at {self.endpoint} does not answer ({_first_line(error.message())}); "
                    "this goes on by itself once it is back"
                ) from None
            raise FailedPrecondition(f"Triton refused the {what}: {_first_line(error.message())}") from None


def _first_line(reason: str) -> str:
    """Return a reason of Triton's without the Python stack that may follow it."""
    return " ".join(reason.split("\n\nAt:")[0].split())
