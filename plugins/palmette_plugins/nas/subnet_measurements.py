"""Real measurements of a supernet's sub-networks, and the worst values that count for its hypervolume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch.utils.data import Subset

from palmette_plugins.api import Dataset, InvalidArgument, JobContext, LoadedModel
from palmette_plugins.architectures.weights_file import weights_bytes
from palmette_plugins.datasets.batches import gather
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.engines.elastic import (
    CalibrationImages,
    extract,
    macs_table,
    measure,
    parameter_table,
    supernet_of,
)
from palmette_plugins.engines.elastic.measuring import Measured
from palmette_plugins.engines.elastic.space import Choice
from palmette_plugins.engines.multi_objective.genes import Key
from palmette_plugins.engines.multi_objective.latency import measure_latency

SPLIT = "validation"  # never the test split: what is measured decides what is found


class SubnetMeasurements:
    """Measures sub-networks: cut out, recalibrated, run on held-out images and timed where that is asked for."""

    def __init__(
        self, job: JobContext, model: LoadedModel, data: Dataset, *, device: str, batch: int, samples: int | None
    ) -> None:
        self._job = job
        self._model = model
        self._supernet = supernet_of(model)
        self._device = chosen_device(device, job.device)
        self._data = limited(data, samples, job.generator("evaluation images"))
        self._images = CalibrationImages(data, job.seed, self._device)
        split: Any = self._data[SPLIT]
        indices = torch.arange(batch) % len(split)
        (self._timed,) = data.task.inputs(gather(split, indices))
        self._timed = self._timed.to(self._device)
        self._sizes = (self._supernet.space, self._supernet.in_channels, self._supernet.num_classes)

    def network(self, key: Key) -> Measured:
        """Return the network of genes, recalibrated, with its measurements on held-out images."""
        choice = self._supernet.space.decode(key)
        check = self._job.raise_if_cancelled
        return measure(self._model, choice, self._data, self._images, split=SPLIT, device=self._device, check=check)

    def __call__(self, key: Key, *, timed: bool) -> dict[str, float]:
        """Return all measurements of the network of genes; latencies only where `timed`."""
        found = self.network(key)
        measured = {
            "accuracy": found.metrics["accuracy"],
            "loss": found.metrics["loss"],
            "macs": float(found.macs),
            "params": float(found.parameters),
            "size_bytes": float(len(weights_bytes(found.model.module.state_dict()))),
        }
        if timed:
            latency = self._latency(found.model, found.choice)
            measured |= {
                "latency_ms": latency["median"],
                "latency_mean_ms": latency["mean"],
                "latency_deviation_ms": latency["deviation"],
            }
        return measured

    def references(self, names: tuple[str, ...]) -> Mapping[str, float]:
        """Return the worst value of each objective: accuracy 0, and what the largest sub-network costs."""
        largest = self._supernet.space.largest
        found = {"accuracy": 0.0}
        if "macs" in names:
            found["macs"] = macs_table(*self._sizes).of_choice(largest)
        if "params" in names:
            found["params"] = parameter_table(*self._sizes).of_choice(largest)
        if "size_bytes" in names:
            found["size_bytes"] = float(len(weights_bytes(extract(self._model, largest).module.state_dict())))
        if "latency_ms" in names:
            found["latency_ms"] = self._latency(extract(self._model, largest), largest)["median"]
        return found

    def _latency(self, model: LoadedModel, choice: Choice) -> dict[str, float]:
        module = model.module.to(self._device)
        found = measure_latency(module, self._timed, self._job.raise_if_cancelled)
        return {"median": found.median_ms, "mean": found.mean_ms, "deviation": found.deviation_ms}


def chosen_device(name: str, own: torch.device) -> torch.device:
    """Return the device of a name; ``auto`` is the job's own.

    Raises:
        InvalidArgument: There is no such device here; field ``config.device``.
    """
    if name == "auto":
        return own
    device = parsed_device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidArgument.field("config.device", f"'{name}' is not here: {torch.cuda.device_count()} GPUs are")
    return device


def parsed_device(name: str) -> torch.device:
    """Return the device that a name means anywhere; raise `InvalidArgument` for one that no machine has."""
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise InvalidArgument.field("config.device", f"must be auto, cpu, cuda or cuda:<number>, got '{name}'")
    return device


def limited(data: Dataset, samples: int | None, generator: torch.Generator) -> Dataset:
    """Return the dataset with `samples` drawn images of its validation split; all with None."""
    split: Any = data[SPLIT]
    if samples is None or samples >= len(split):
        return data
    indices = torch.randperm(len(split), generator=generator)[:samples].sort().values
    subset = split.subset(indices) if isinstance(split, TensorSplit) else Subset(split, indices.tolist())
    return replace(data, splits={**data.splits, SPLIT: subset})
