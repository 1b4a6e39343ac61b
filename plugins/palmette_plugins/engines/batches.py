"""The batches of one training epoch: which examples, in which order, already on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import default_collate

from palmette_plugins.datasets.batches import gather, to_device
from palmette_plugins.datasets.tensor_split import TensorSplit

_ON_DEVICE_BYTES = 4 * 2**30


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Return the number of whole batches; 1 for a split smaller than one batch."""
    return max(1, examples // batch_size)


def epoch_order(examples: int, batch_size: int, generator: torch.Generator) -> Sequence[Tensor]:
    """Return the indices of each batch of one epoch, in an order drawn from `generator`.

    Batches are whole: the examples left over wait for a later epoch, because a batch of one example has no
    batch statistics. A split smaller than `batch_size` is one batch.
    """
    order = torch.randperm(examples, generator=generator)
    return torch.split(order[: steps_per_epoch(examples, batch_size) * batch_size], batch_size)


def placed(split: TorchDataset[Any], device: torch.device) -> TorchDataset[Any]:
    """Return the split with its tensors on a GPU where they fit easily; unchanged otherwise."""
    if device.type == "cpu" or not isinstance(split, TensorSplit):
        return split
    if sum(tensor.numel() * tensor.element_size() for tensor in split.tensors) > _ON_DEVICE_BYTES:
        return split
    return TensorSplit(*(tensor.to(device) for tensor in split.tensors))


def epoch_batches(
    split: TorchDataset[Any], order: Sequence[Tensor], device: torch.device, threads: int = 4
) -> Iterator[Any]:
    """Yield the batches of `order` on `device`.

    Splits that are not tensors in memory (image files) are read by threads, one batch ahead. Threads, not
    processes: decoding releases the interpreter's lock, and a worker that streams over gRPC must not fork.
    """
    if isinstance(split, TensorSplit):
        where = split.tensors[0].device
        for indices in order:
            yield to_device(gather(split, indices.to(where)), device)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="examples") as pool:

        def read(indices: Tensor) -> Iterator[Any]:
            return pool.map(split.__getitem__, indices.tolist())

        ahead: Iterator[Any] | None = None
        for indices in order:
            current, ahead = ahead, read(indices)
            if current is not None:
                yield to_device(default_collate(list(current)), device)
        if ahead is not None:
            yield to_device(default_collate(list(ahead)), device)
