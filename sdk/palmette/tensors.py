"""What goes into a served model and what comes out: pure functions on arrays."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palmette.errors import FieldViolation, InvalidRequest
from palmette.types import TensorSignature

Array = NDArray[Any]
_DTYPES: dict[str, Any] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}


@dataclass(frozen=True)
class ModelSignature:
    """A served model's tensors; `max_batch` is 0 for a model that takes no batches."""

    inputs: tuple[TensorSignature, ...]
    outputs: tuple[TensorSignature, ...]
    max_batch: int


@dataclass(frozen=True)
class Prepared:
    """Arrays ready to be sent.

    Attributes:
        arrays: By input name, each with the batch first, of the model's data types.
        batch: Size of the batch; 0 for a model that takes none.
        single: The caller gave one example without a batch dimension.
        torch: The caller gave torch tensors.
    """

    arrays: dict[str, Array]
    batch: int
    single: bool
    torch: bool


def prepare(inputs: Any, signature: ModelSignature) -> Prepared:
    """Turn what the caller gave (an array or tensor, or several by name) into arrays that fit the model.

    Raises:
        InvalidRequest: Names, shapes or data types do not fit; every violation is listed.
    """
    given = inputs if isinstance(inputs, Mapping) else {_only_input(signature): inputs}
    expected = {tensor.name: tensor for tensor in signature.inputs}
    violations = [
        FieldViolation(f"inputs.{name}", f"the model has no such input; it has {', '.join(expected)}")
        for name in given
        if name not in expected
    ]
    violations += [FieldViolation(f"inputs.{name}", "is missing") for name in expected if name not in given]
    arrays: dict[str, Array] = {}
    for name in (name for name in given if name in expected):
        array = _as_array(given[name])
        try:
            arrays[name] = _cast(array, expected[name].datatype)
        except (TypeError, ValueError):
            wanted = expected[name].datatype
            violations.append(FieldViolation(f"inputs.{name}", f"holds {array.dtype}; the model takes {wanted}"))
    single = _single(arrays, expected, signature.max_batch)
    if single:
        arrays = {name: array[np.newaxis] for name, array in arrays.items()}
    violations += _shape_violations(arrays, expected)
    sizes = {len(array) for array in arrays.values()} if signature.max_batch else {0}
    if not violations and len(sizes) > 1:
        violations.append(FieldViolation("inputs", f"hold batches of different sizes: {sorted(sizes)}"))
    if violations:
        raise InvalidRequest.of(violations)
    return Prepared(arrays, sizes.pop(), single, any(_is_torch(value) for value in given.values()))


def pieces(prepared: Prepared, max_batch: int) -> list[dict[str, Array]]:
    """Cut a batch into pieces that the model takes."""
    if max_batch == 0 or prepared.batch <= max_batch:
        return [prepared.arrays]
    starts = range(0, prepared.batch, max_batch)
    return [{name: array[i : i + max_batch] for name, array in prepared.arrays.items()} for i in starts]


def joined(results: Sequence[Mapping[str, Array]], prepared: Prepared) -> Any:
    """Join the pieces' outputs: one array if the model has one output, else arrays by name."""
    outputs: dict[str, Any] = {
        name: np.concatenate([result[name] for result in results]) if len(results) > 1 else results[0][name]
        for name in results[0]
    }
    if prepared.single:
        outputs = {name: array[0] for name, array in outputs.items()}
    if prepared.torch:
        # Loaded already, or the caller could not have passed a tensor.
        from_numpy = sys.modules["torch"].from_numpy
        outputs = {name: from_numpy(np.array(array)) for name, array in outputs.items()}
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _only_input(signature: ModelSignature) -> str:
    if len(signature.inputs) != 1:
        names = ", ".join(tensor.name for tensor in signature.inputs)
        raise InvalidRequest.field("inputs", f"the model has several inputs ({names}); give a dict of arrays")
    return signature.inputs[0].name


def _is_torch(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _as_array(value: Any) -> Array:
    if _is_torch(value):
        array: Array = value.detach().cpu().numpy()
        return array
    return np.asarray(value)


def _cast(array: Array, datatype: str) -> Array:
    wanted = np.dtype(_DTYPES[datatype])
    if array.dtype == wanted or datatype == "BYTES":
        return array.astype(wanted)
    # Numbers may change their width, never lose their fraction or become something else.
    return array.astype(wanted, casting="same_kind")


def _single(arrays: Mapping[str, Array], expected: Mapping[str, TensorSignature], max_batch: int) -> bool:
    """Tell whether every array is one example: it lacks exactly the batch dimension."""
    return bool(arrays) and max_batch > 0 and all(a.ndim == len(expected[n].shape) - 1 for n, a in arrays.items())


def _shape_violations(arrays: Mapping[str, Array], expected: Mapping[str, TensorSignature]) -> list[FieldViolation]:
    found = []
    for name, array in arrays.items():
        shape = expected[name].shape
        fits = array.ndim == len(shape) and all(
            want in (-1, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if size == -1 else str(size) for size in shape)
            found.append(FieldViolation(f"inputs.{name}", f"has shape {array.shape}; the model takes ({wanted})"))
    return found
