"""Evaluation: a task's measurements of a model on a split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from palmette_plugins.api.data import Dataset
from palmette_plugins.datasets.batches import ordered_batches, to_device


def evaluate(
    module: nn.Module,
    data: Dataset,
    split: str,
    *,
    device: torch.device | str,
    check: Callable[[], None] | None = None,
    batch_size: int = 500,
) -> dict[str, float]:
    """Return the measurements of the dataset's task on one split.

    The module is moved to `device`, run in evaluation mode without gradients, and each submodule gets its
    training flag back.

    Args:
        module: The model.
        data: The dataset.
        split: ``train``, ``validation`` or ``test``.
        device: Where to compute.
        check: Called before every batch; what it raises (a cancelled job) comes out.
        batch_size: Examples at a time; it does not change the result beyond rounding.
    """
    meter = data.task.meter()
    flags = {part: part.training for part in module.modules()}
    module.to(device).eval()
    try:
        with torch.inference_mode():
            for batch in ordered_batches(data[split], batch_size):
                if check is not None:
                    check()
                moved: Any = to_device(batch, device)
                meter.update(module(*data.task.inputs(moved)), moved)
    finally:
        for part, training in flags.items():
            part.training = training
    return meter.compute()
