"""Gradients of a task's loss on one batch that leave no trace in the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from palmette_plugins.api.task import Batch, Task


@contextmanager
def batch_statistics(module: nn.Module) -> Iterator[None]:
    """Normalise by the batch's own statistics, drop nothing, and put modes and buffers back afterwards.

    An untrained network's running statistics are empty, so scores taken with them would be of another function.
    """
    training = [(m, m.training) for m in module.modules()]
    buffers = [(b, b.clone()) for b in module.buffers()]
    module.eval()
    for m in module.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.train()
    try:
        yield
    finally:
        for m, mode in training:
            m.training = mode
        with torch.no_grad():
            for buffer, saved in buffers:
                buffer.copy_(saved)


def loss_gradients(
    module: nn.Module,
    parameters: Sequence[Tensor],
    task: Task,
    batch: Batch,
    *,
    temperature: float = 1.0,
    create_graph: bool = False,
) -> list[Tensor]:
    """Return dL/dw for each of `parameters`, with the logits divided by `temperature`; zeros where L ignores w."""
    with sdpa_kernel(SDPBackend.MATH):  # the fused attention kernels have no second derivative
        outputs = module(*task.inputs(batch))
        loss = task.loss(outputs / temperature, batch)
    return list(
        torch.autograd.grad(loss, parameters, create_graph=create_graph, allow_unused=True, materialize_grads=True)
    )
