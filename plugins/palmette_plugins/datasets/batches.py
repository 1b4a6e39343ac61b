"""Batches of a split, whatever kind of map-style dataset it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.datasets.tensor_split import TensorSplit


def gather(split: TorchDataset[Any], indices: Tensor) -> Any:
    """Return one batch of the examples at `indices` (int64, on the CPU)."""
    if isinstance(split, TensorSplit):
        return split.gather(indices)
    return default_collate([split[int(index)] for index in indices])


def ordered_batches(split: TorchDataset[Any], batch_size: int) -> Iterator[Any]:
    """Yield the whole split in its order, the last batch possibly smaller."""
    if isinstance(split, TensorSplit):
        for start in range(0, len(split), batch_size):
            yield split.slice(start, start + batch_size)
    else:
        yield from DataLoader(split, batch_size=batch_size)


def to_device(batch: Any, device: torch.device | str) -> Any:
    """Return a batch (a tensor, or nested tuples, lists and dictionaries of tensors) on `device`."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    if isinstance(batch, dict):
        return {name: to_device(part, device) for name, part in batch.items()}
    return batch
