"""How long a forward pass takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

_WARM_UP = 3


def measure_latency(module: nn.Module, inputs: Sequence[Tensor], repeats: int = 20) -> float:
    """Return the median time of a forward pass in milliseconds, in evaluation mode without gradients.

    Args:
        module: The model, on the device to measure.
        inputs: Positional arguments of its forward, on that device.
        repeats: Passes measured, after three unmeasured ones.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    flags = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.inference_mode():
            for _ in range(_WARM_UP):
                module(*inputs)
            return statistics.median(_pass_ms(module, inputs) for _ in range(repeats))
    finally:
        for part, training in flags.items():
            part.training = training


def _pass_ms(module: nn.Module, inputs: Sequence[Tensor]) -> float:
    _wait(inputs)
    start_s = time.perf_counter()
    module(*inputs)
    _wait(inputs)
    return (time.perf_counter() - start_s) * 1e3


def _wait(inputs: Sequence[Tensor]) -> None:
    """Wait for the GPU, where there is one."""
    if any(tensor.is_cuda for tensor in inputs):
        torch.cuda.synchronize()
