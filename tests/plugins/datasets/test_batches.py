"""Batches: the same examples whether a split is tensors or any other dataset."""

import torch
from torch.utils.data import Dataset, TensorDataset

from palmette_plugins.datasets.batches import gather, ordered_batches, to_device
from palmette_plugins.datasets.tensor_split import TensorSplit

IMAGES, CLASSES = torch.rand(7, 2), torch.arange(7)


def test_ordered_batches_hold_the_whole_split_in_its_order():
    for split in (TensorSplit(IMAGES, CLASSES), TensorDataset(IMAGES, CLASSES)):
        batches = list(ordered_batches(split, 3))

        assert [len(batch[0]) for batch in batches] == [3, 3, 1]
        assert torch.equal(torch.cat([batch[0] for batch in batches]), IMAGES)


def test_gather_takes_the_examples_asked_for():
    indices = torch.tensor([5, 0, 5])
    for split in (TensorSplit(IMAGES, CLASSES), TensorDataset(IMAGES, CLASSES)):
        images, classes = gather(split, indices)

        assert torch.equal(images, IMAGES[indices])
        assert classes.tolist() == [5, 0, 5]


def test_a_split_is_a_map_style_dataset():
    split: Dataset = TensorSplit(IMAGES, CLASSES)

    assert len(split) == 7
    assert torch.equal(split[3][0], IMAGES[3])
    assert len(split.subset(torch.tensor([1, 2]))) == 2


def test_nested_batches_move_whole():
    moved = to_device({"a": (IMAGES, [CLASSES]), "b": "text"}, "meta")

    assert moved["a"][0].is_meta
    assert moved["a"][1][0].is_meta
    assert moved["b"] == "text"
