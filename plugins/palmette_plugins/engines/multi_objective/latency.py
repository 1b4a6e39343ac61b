"""Latency as the released system measures it: enough passes for the batch size, after a tenth of them to warm up."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WARM_UP_WEIGHT = 5
TIMED_WEIGHT = 1


@dataclass(frozen=True)
class Latency:
    """Milliseconds per batch."""

    median_ms: float
    mean_ms: float
    deviation_ms: float


def steps(batch: int, weight: int) -> int:
    """Return floor(floor(max(25 B, 500) / B) / w): passes for a batch of B, w = 5 to warm up and 1 to time."""
    return (max(25 * batch, 500) // batch) // weight


def measure_latency(module: nn.Module, inputs: Tensor, check: Callable[[], None] = lambda: None) -> Latency:
    """Return how long one forward pass takes on the device of `module` and `inputs`, (B, ...).

    The device should do nothing else meanwhile. Evaluation mode, no gradients, synchronised before and after each pass.
    """
    flags = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.inference_mode():
            for _ in range(steps(len(inputs), WARM_UP_WEIGHT)):
                module(inputs)
            check()
            times = [_pass_ms(module, inputs) for _ in range(steps(len(inputs), TIMED_WEIGHT))]
    finally:
        for part, training in flags.items():
            part.training = training
    return Latency(statistics.median(times), statistics.fmean(times), statistics.stdev(times))


def _pass_ms(module: nn.Module, inputs: Tensor) -> float:
    _synchronise(inputs.device)
    started_s = time.perf_counter()
    module(inputs)
    _synchronise(inputs.device)
    return 1e3 * (time.perf_counter() - started_s)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
