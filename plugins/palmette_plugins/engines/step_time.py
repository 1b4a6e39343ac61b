"""How long one training step takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch
from torch import nn

from palmette_plugins.api.task import Batch, Task


def training_step_ms(modules: Sequence[nn.Module], task: Task, batch: Batch, *, repeats: int = 5) -> list[float]:
    """Return the median time in ms of a forward and a backward pass for each of `modules`.

    They take turns, so that other work on the machine falls on all alike; the first round does not count. The
    optimizer's update is left out. Weights, buffers and modes stay as they are.
    """
    rounds = [[_step_ms(module, task, batch) for module in modules] for _ in range(repeats + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def _step_ms(module: nn.Module, task: Task, batch: Batch) -> float:
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    flags = {part: part.training for part in module.modules()}
    module.train()
    try:
        started_s = time.perf_counter()
        loss = task.loss(module(*task.inputs(batch)), batch)
        torch.autograd.grad(loss, parameters, allow_unused=True)
        if loss.is_cuda:
            torch.cuda.synchronize(loss.device)
        return 1e3 * (time.perf_counter() - started_s)
    finally:
        for part, training in flags.items():
            part.training = training
        with torch.no_grad():
            for buffer, saved in buffers:
                buffer.copy_(saved)
