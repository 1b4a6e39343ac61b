"""The batch that scores are taken on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor

from palmette_plugins.api.data import Dataset
from palmette_plugins.api.task import Batch
from palmette_plugins.datasets.batches import gather


def balanced_batch(data: Dataset, per_class: int, generator: torch.Generator) -> Batch:
    """Return a batch of the training split with `per_class` examples of every class, drawn from `generator`.

    A class with fewer examples gives all it has. Where the data has no classes, `per_class` random examples.
    """
    split: Any = data["train"]
    order = torch.randperm(len(split), generator=generator)
    if data.info.num_classes == 0:
        return gather(split, order[:per_class])
    chosen: list[int] = []
    taken: Counter[int] = Counter()
    for index in order.tolist():
        label = int(_class(split[index]))
        if taken[label] < per_class:
            taken[label] += 1
            chosen.append(index)
        if len(chosen) == per_class * data.info.num_classes:
            break
    return gather(split, torch.tensor(chosen))


def _class(example: Any) -> Tensor | int:
    """Return the class of an example (inputs, class)."""
    label: Tensor | int = example[1]
    return label
