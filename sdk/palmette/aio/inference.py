"""Inference through the gateway with the ordinary Triton client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from palmette.aio.connection import Connection
from palmette.errors import NotFound, PalmetteError
from palmette.tensors import Array, ModelSignature, joined, pieces, prepare
from palmette.types import TensorSignature
from palmette.wire.status import error_of

if TYPE_CHECKING:
    from tritonclient.grpc.aio import InferenceServerClient

T = TypeVar("T")
# Enough to keep a model's instances busy, little enough to leave room for others.
_CONCURRENT_PIECES = 4


class Inference:
    """Sends arrays to served models. Signatures are asked for once per model."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client: InferenceServerClient | None = None
        self._signatures: dict[str, ModelSignature] = {}

    async def infer(self, model: str, inputs: Any) -> Any:
        """Run inference on an array or on arrays by name; see `palmette.aio.Client.infer`."""
        signature = await self.signature(model)
        prepared = prepare(inputs, signature)
        gate = asyncio.Semaphore(_CONCURRENT_PIECES)

        async def send(piece: dict[str, Array]) -> dict[str, Array]:
            async with gate:
                return await self._retrying(lambda: self._send(model, signature, piece))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(send(piece)) for piece in pieces(prepared, signature.max_batch)]
        except* PalmetteError as failures:
            self.forget(model)  # the model may have another signature now
            raise failures.exceptions[0] from None
        return joined([task.result() for task in tasks], prepared)

    async def signature(self, model: str) -> ModelSignature:
        """Return a served model's inputs, outputs and largest batch."""
        if model not in self._signatures:
            try:
                self._signatures[model] = await self._retrying(lambda: self._ask_signature(model))
            except NotFound:
                hint = "`palmette deploy list` shows what is served"
                raise NotFound(f"no model named '{model}' is served; {hint}") from None
        return self._signatures[model]

    def forget(self, model: str) -> None:
        """Ask for the model's signature anew next time."""
        self._signatures.pop(model, None)

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()

    async def _ask_signature(self, model: str) -> ModelSignature:
        client, headers = self._open(), dict(self._connection.metadata())
        metadata = await client.get_model_metadata(model, headers=headers)
        config = await client.get_model_config(model, headers=headers)
        return ModelSignature(
            inputs=tuple(TensorSignature(t.name, t.datatype, tuple(t.shape)) for t in metadata.inputs),
            outputs=tuple(TensorSignature(t.name, t.datatype, tuple(t.shape)) for t in metadata.outputs),
            max_batch=config.config.max_batch_size,
        )

    async def _send(self, model: str, signature: ModelSignature, arrays: dict[str, Array]) -> dict[str, Array]:
        from tritonclient.grpc import InferInput, service_pb2

        datatypes = {tensor.name: tensor.datatype for tensor in signature.inputs}
        inputs = []
        for name, array in arrays.items():
            tensor = InferInput(name, list(array.shape), datatypes[name])
            tensor.set_data_from_numpy(array)
            inputs.append(tensor)
        client, timeout_s = self._open(), self._connection.timeout_s
        with self._connection.tracing.span(service_pb2.ModelInferRequest) as trace:
            headers = dict((*self._connection.metadata(), *trace))
            result = await client.infer(model, inputs, headers=headers, client_timeout=timeout_s)
        return {tensor.name: result.as_numpy(tensor.name) for tensor in signature.outputs}

    async def _retrying(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await `attempt` as `Connection.retrying` does, with Triton's exceptions translated."""
        from tritonclient.utils import InferenceServerException

        async def translated() -> T:
            try:
                return await attempt()
            except InferenceServerException as error:
                code = _code(error.status())
                if code is grpc.StatusCode.UNAVAILABLE:
                    empty = grpc.aio.Metadata()
                    raise grpc.aio.AioRpcError(code, empty, empty, details=error.message()) from None
                raise error_of(code, error.message(), (), self._connection.endpoint.address) from None

        return await self._connection.retrying(translated)

    def _open(self) -> InferenceServerClient:
        if self._client is None:
            from tritonclient.grpc.aio import InferenceServerClient

            endpoint = self._connection.endpoint
            roots = str(endpoint.ca_file) if endpoint.ca_file else None
            self._client = InferenceServerClient(endpoint.address, ssl=endpoint.tls, root_certificates=roots)
        return self._client


def _code(status: str | None) -> grpc.StatusCode:
    name = (status or "").removeprefix("StatusCode.")
    return grpc.StatusCode.__members__.get(name, grpc.StatusCode.UNKNOWN)
