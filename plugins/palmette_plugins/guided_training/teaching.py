"""Teachers: several frozen networks as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from palmette_plugins.api import Dataset, JobContext
from palmette_plugins.datasets.batches import ordered_batches, to_device
from palmette_plugins.engines.distillation import mean_probabilities
from palmette_plugins.engines.frozen import Frozen


@dataclass(frozen=True)
class Answers:
    """What the teachers say to a batch: averaged probabilities and averaged logits, both (B, C) float32."""

    probabilities: Tensor
    logits: Tensor


class Ensemble:
    """The averaged answers of frozen teachers."""

    def __init__(self, teachers: Sequence[Frozen]) -> None:
        self.teachers = tuple(teachers)

    def __call__(self, *inputs: Tensor) -> Answers:
        """Answer a batch."""
        logits = [teacher(*inputs).float() for teacher in self.teachers]
        return Answers(mean_probabilities(logits), torch.stack(logits).mean(dim=0))

    def accuracies(self, job: JobContext, data: Dataset, split: str = "test") -> dict[str, float]:
        """Return ``teacher-<i>/accuracy`` of each and ``ensemble/accuracy`` of their averaged probabilities."""
        networks: dict[str, Callable[[Tensor], Tensor]] = {
            f"teacher-{index}/accuracy": teacher for index, teacher in enumerate(self.teachers)
        }
        networks["ensemble/accuracy"] = lambda x: self(x).probabilities
        counts = dict.fromkeys(networks, 0)
        total = 0
        for batch in ordered_batches(data[split], 500):
            job.raise_if_cancelled()
            images, classes = to_device(batch, job.device)[:2]
            total += len(classes)
            for name, network in networks.items():
                counts[name] += int((network(images).argmax(dim=1) == classes).sum())
        return {name: count / total for name, count in counts.items()}
