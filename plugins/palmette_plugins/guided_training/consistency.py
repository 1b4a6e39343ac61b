"""Whether two classifiers err on the same examples."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from palmette_plugins.api import Dataset, JobContext
from palmette_plugins.datasets.batches import ordered_batches, to_device


def error_consistency(
    job: JobContext, first: nn.Module, second: nn.Module, data: Dataset, split: str = "test"
) -> float:
    """Return Cohen's kappa of right and wrong answers (Geirhos et al., 2020): 1 same errors, 0 as by chance."""
    return kappa(correct(job, first, data, split), correct(job, second, data, split))


@torch.inference_mode()
def correct(job: JobContext, module: nn.Module, data: Dataset, split: str) -> Tensor:
    """Return for every example of a split whether its class was found, a bool tensor on the CPU."""
    module.to(job.device).eval()
    found = []
    for batch in ordered_batches(data[split], 500):
        job.raise_if_cancelled()
        moved = to_device(batch, job.device)
        found.append((module(*data.task.inputs(moved)).argmax(dim=1) == moved[1]).cpu())
    return torch.cat(found)


def kappa(first: Tensor, second: Tensor) -> float:
    """Return Cohen's kappa of two bool vectors; 1 where chance alone would make them agree and they do."""
    observed = float((first == second).double().mean())
    p, q = float(first.double().mean()), float(second.double().mean())
    expected = p * q + (1 - p) * (1 - q)
    return 1.0 if expected >= 1.0 else (observed - expected) / (1.0 - expected)
