"""A split that lies in memory as tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset


class TensorSplit(TorchDataset[tuple[Tensor, ...]]):
    """Tensors whose first dimension is the example; `gather` makes a batch without a loop over examples."""

    def __init__(self, *tensors: Tensor) -> None:
        if len({len(tensor) for tensor in tensors}) != 1:
            raise ValueError(f"tensors of one split need equal lengths, got {[len(tensor) for tensor in tensors]}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def gather(self, indices: Tensor) -> tuple[Tensor, ...]:
        """Return the batch of the examples at `indices`, int64 of shape (B,)."""
        return tuple(tensor[indices] for tensor in self.tensors)

    def slice(self, start: int, stop: int) -> tuple[Tensor, ...]:
        """Return the batch of the examples from `start` up to `stop`, as views."""
        return tuple(tensor[start:stop] for tensor in self.tensors)

    def subset(self, indices: Tensor) -> TensorSplit:
        """Return a split of the examples at `indices`, in that order."""
        return TensorSplit(*self.gather(indices))


def empty_like(split: TensorSplit) -> TensorSplit:
    """Return a split without examples, with the shapes of `split`."""
    return split.subset(torch.empty(0, dtype=torch.int64))
