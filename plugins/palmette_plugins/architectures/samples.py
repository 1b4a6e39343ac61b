"""Held-out samples: inputs and what the model made of them, on which an export is checked.

``samples.safetensors`` holds ``inputs.<name>`` and ``outputs.<name>`` for the tensors of `ModelSpec.io`; the first
dimension is the example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from palmette_plugins.api.data import Dataset
from palmette_plugins.api.errors import DataLoss
from palmette_plugins.api.spec import ModelIO
from palmette_plugins.datasets.batches import gather

FILE_NAME = "samples.safetensors"
COUNT = 16


@dataclass(frozen=True)
class Samples:
    """Inputs and outputs by name, in the order of the signature."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def take_samples(module: nn.Module, data: Dataset, io: ModelIO, count: int = COUNT) -> Samples | None:
    """Return the model's answers, in evaluation mode on the CPU, for the first held-out examples.

    They come from the test split, or the validation split where the test split is empty; None where both are.
    The module ends on the device and in the mode that it came in.
    """
    split = next((data[name] for name in ("test", "validation") if len(data[name]) > 0), None)  # type: ignore[arg-type]
    if split is None:
        return None
    examples = torch.arange(min(count, len(split)))  # type: ignore[arg-type]
    return answered(module, data.task.inputs(gather(split, examples)), io)


def answered(module: nn.Module, inputs: tuple[Tensor, ...], io: ModelIO) -> Samples:
    """Return `inputs`, in the order of the signature, with the model's answers in evaluation mode on the CPU."""
    outputs = run_on_cpu(module, inputs)
    return Samples(
        {spec.name: tensor for spec, tensor in zip(io.inputs, inputs, strict=True)},
        {spec.name: tensor for spec, tensor in zip(io.outputs, as_tuple(outputs), strict=True)},
    )


def run_on_cpu(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """Return the module's outputs in evaluation mode on the CPU; it ends where and as it was."""
    flags = {part: part.training for part in module.modules()}
    device = next((tensor.device for tensor in module.state_dict().values()), torch.device("cpu"))
    module.cpu().eval()
    try:
        with torch.inference_mode():
            return module(*(tensor.cpu() for tensor in inputs))
    finally:
        module.to(device)
        for part, training in flags.items():
            part.training = training


def as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    """Return a model's outputs as a tuple."""
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)


def samples_bytes(samples: Samples) -> bytes:
    """Return the file's bytes."""
    tensors = {f"inputs.{name}": tensor for name, tensor in samples.inputs.items()}
    tensors |= {f"outputs.{name}": tensor for name, tensor in samples.outputs.items()}
    return save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})


def read_samples(path: Path | str, io: ModelIO) -> Samples:
    """Return the samples of a file in the order of the signature; raise `DataLoss` for a damaged one."""
    try:
        tensors = load_file(str(path))
        return Samples(
            {spec.name: tensors[f"inputs.{spec.name}"] for spec in io.inputs},
            {spec.name: tensors[f"outputs.{spec.name}"] for spec in io.outputs},
        )
    except (SafetensorError, KeyError) as error:
        raise DataLoss(f"{Path(path).name} is damaged: {error}") from None
