"""From Triton's requests to one batch of arrays and back, for models of its Python backend.

Triton's dynamic batcher hands `execute` several requests at once; the model runs once for all of them.
Imported only inside Triton: ``triton_python_backend_utils`` exists nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import triton_python_backend_utils as triton

RunBatch = Callable[[list[numpy.ndarray]], Sequence[numpy.ndarray]]


@dataclass(frozen=True)
class ServedVersion:
    """What Triton tells a model of the Python backend about itself.

    Attributes:
        folder: The version's folder in the model repository.
        inputs: Names of the inputs, in the order of the model's arguments.
        outputs: Names of the outputs, in the order of the model's results.
        parameters: Parameters of the model's configuration.
        device_kind: ``CPU`` or ``GPU``.
        device_id: Index of the GPU.
    """

    folder: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[str, str]
    device_kind: str
    device_id: int

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, str]) -> ServedVersion:
        """Read the arguments of `initialize`."""
        config = json.loads(arguments["model_config"])
        return cls(
            folder=Path(arguments["model_repository"]) / arguments["model_version"],
            inputs=tuple(item["name"] for item in config["input"]),
            outputs=tuple(item["name"] for item in config["output"]),
            parameters={name: item["string_value"] for name, item in config["parameters"].items()},
            device_kind=arguments["model_instance_kind"],
            device_id=int(arguments["model_instance_device_id"]),
        )

    @property
    def threads(self) -> int:
        """Threads that one instance computes with."""
        return int(self.parameters["threads"])


def respond(version: ServedVersion, requests: Sequence[Any], run: RunBatch) -> list[Any]:
    """Run all requests as one batch and return one response each, in order.

    If the batch fails, every request gets the error: nothing tells which one was at fault.
    """
    try:
        arrays, sizes = gather(requests, version.inputs)
        results = run(arrays)
        return [_response(version.outputs, parts) for parts in split(results, sizes)]
    except Exception as error:  # noqa: BLE001 - the border to Triton: it reports the error to the clients
        failure = triton.TritonError(f"{type(error).__name__}: {error}")
        return [triton.InferenceResponse(output_tensors=[], error=failure) for _ in requests]


def gather(requests: Sequence[Any], inputs: Sequence[str]) -> tuple[list[numpy.ndarray], list[int]]:
    """Concatenate each input over the requests; return the arrays and the batch size of each request."""
    columns = [[triton.get_input_tensor_by_name(request, name).as_numpy() for request in requests] for name in inputs]
    sizes = [len(array) for array in columns[0]]
    return [column[0] if len(column) == 1 else numpy.concatenate(column) for column in columns], sizes


def split(results: Sequence[numpy.ndarray], sizes: Sequence[int]) -> list[list[numpy.ndarray]]:
    """Cut each result along the batch into the requests' parts; return the parts by request."""
    ends = numpy.cumsum(sizes)[:-1]
    columns = [numpy.split(result, ends) for result in results]
    return [[column[index] for column in columns] for index in range(len(sizes))]


def _response(outputs: Sequence[str], parts: Sequence[numpy.ndarray]) -> Any:
    # Triton copies from the buffer as it lies in memory.
    tensors = [triton.Tensor(name, numpy.ascontiguousarray(part)) for name, part in zip(outputs, parts, strict=True)]
    return triton.InferenceResponse(output_tensors=tensors)
