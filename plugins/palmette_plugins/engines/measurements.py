"""The measurements that a training method ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.data import Dataset
from palmette_plugins.datasets.batches import ordered_batches, to_device
from palmette_plugins.engines.profiling import profile_layers, totals

if TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext


def final_measurements(job: JobContext, model: LoadedModel, data: Dataset, split: str = "test") -> dict[str, float]:
    """Return the task's measurements on a held-out split, and what the model costs.

    The costs are ``parameters``, ``nonzeros``, ``macs`` and ``effective_macs``, the last two for one input.
    Evaluates in float32, as the model will be exported.
    """
    measured = job.evaluate(model, data, split)
    example = next(iter(ordered_batches(data[split], 1)))
    sums = totals(profile_layers(model.module, data.task.inputs(to_device(example, job.device))))
    return {
        **measured,
        "parameters": float(sums.parameters),
        "nonzeros": float(sums.nonzeros),
        "macs": float(sums.macs),
        "effective_macs": float(sums.effective_macs),
    }
