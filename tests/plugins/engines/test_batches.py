"""The batches of an epoch."""

from __future__ import annotations

import torch
from torch.utils.data import Dataset

from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.engines.batches import epoch_batches, epoch_order, steps_per_epoch

CPU = torch.device("cpu")


class Listed(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The same examples as a split that is read one by one, as image files are."""

    def __init__(self, split: TensorSplit) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        return self.split[index]


def order(examples: int, batch_size: int, seed: int = 0) -> list[torch.Tensor]:
    return list(epoch_order(examples, batch_size, torch.Generator().manual_seed(seed)))


def test_batches_are_whole_and_show_no_example_twice() -> None:
    batches = order(103, 10)
    assert [len(batch) for batch in batches] == [10] * 10 == [10] * steps_per_epoch(103, 10)
    assert len(torch.cat(batches).unique()) == 100


def test_a_split_smaller_than_a_batch_is_one_batch() -> None:
    assert [sorted(batch.tolist()) for batch in order(3, 10)] == [[0, 1, 2]]


def test_the_order_follows_from_the_seed() -> None:
    assert torch.equal(torch.cat(order(50, 10, seed=1)), torch.cat(order(50, 10, seed=1)))
    assert not torch.equal(torch.cat(order(50, 10, seed=1)), torch.cat(order(50, 10, seed=2)))


def test_files_and_tensors_give_the_same_batches() -> None:
    split = TensorSplit(torch.randn(40, 3), torch.arange(40))
    batches = order(40, 8)
    in_memory = list(epoch_batches(split, batches, CPU))
    read = list(epoch_batches(Listed(split), batches, CPU, threads=3))
    assert len(in_memory) == len(read) == 5
    for (x, y), (x_read, y_read) in zip(in_memory, read, strict=True):
        assert torch.equal(x, x_read)
        assert torch.equal(y, y_read)
