"""From a PyTorch module to an ONNX file, and running it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.api.spec import ModelIO
from palmette_plugins.serving.parity import RunBatch

FILE_NAME = "model.onnx"
_INLINE_BYTES = 1 << 30  # a protobuf holds at most 2 GiB; larger weights go into a file beside it


def export_onnx(module: nn.Module, inputs: Mapping[str, Tensor], io: ModelIO, opset: int, folder: Path) -> list[Path]:
    """Export `module` with a dynamic batch and return the files made, ``model.onnx`` first.

    Args:
        module: In evaluation mode, on the CPU.
        inputs: Example inputs by name, in the order of forward's arguments; at least two examples.
        io: Names and shapes when served; a size of -1 is dynamic.
        opset: ONNX operator set.
        folder: Where to write.

    Raises:
        FailedPrecondition: The model uses something that ONNX cannot express.
    """
    target = folder / FILE_NAME
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                _Positional(module),
                tuple(inputs.values()),
                dynamo=True,
                dynamic_shapes=(_dynamic_shapes(io),),
                input_names=[spec.name for spec in io.inputs],
                output_names=[spec.name for spec in io.outputs],
                opset_version=opset,
                verbose=False,
            )
            assert program is not None
            program.save(str(target), external_data=_size_bytes(module) > _INLINE_BYTES)
    except Exception as error:  # the exporter raises whatever its passes raise
        cause = _first_line(error)
        raise FailedPrecondition(
            f"the model cannot be exported to ONNX: {cause}; deploy it with runtime torch"
        ) from error
    return [target, *sorted(path for path in folder.iterdir() if path != target)]


def onnx_runner(path: Path, io: ModelIO) -> RunBatch:
    """Return a function that runs the file on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = [spec.name for spec in io.outputs]

    def run(batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        results = session.run(outputs, {name: tensor.numpy() for name, tensor in batch.items()})
        return {name: torch.from_numpy(result) for name, result in zip(outputs, results, strict=True)}

    return run


class _Positional(nn.Module):
    """Gives every model the same signature, ``forward(*inputs)``: the exporter matches dynamic shapes to it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Any:
        """Run the model."""
        return self.model(*inputs)


def _dynamic_shapes(io: ModelIO) -> tuple[dict[int, Any], ...]:
    """Return, for each input, which of its dimensions are dynamic; the batch (dimension 0) always is."""
    batch = torch.export.Dim("batch", min=1)
    return tuple(
        {0: batch, **{1 + i: torch.export.Dim.AUTO for i, size in enumerate(spec.shape) if size < 0}}
        for spec in io.inputs
    )


def _size_bytes(module: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in module.state_dict().values())


def _first_line(error: BaseException) -> str:
    """Return the cause of the exporter's chain of errors as one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes about torchvision operators and deprecated APIs out of the job's log."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
