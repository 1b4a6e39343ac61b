"""The batch that scores are taken on."""

import torch

from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.engines.saliency import balanced_batch
from palmette_plugins.engines.seeding import seeded_generator


def test_every_class_gives_as_many_examples() -> None:
    images, classes = balanced_batch(load_dataset("digits"), 7, seeded_generator(0))
    assert images.shape == (70, 1, 8, 8)
    assert classes.bincount().tolist() == [7] * 10


def test_a_small_class_gives_all_it_has() -> None:
    data = load_dataset("digits")
    available = data["train"].tensors[1].bincount()
    _, classes = balanced_batch(data, 10_000, seeded_generator(0))
    assert torch.equal(classes.bincount(), available)


def test_draws_depend_on_the_generator_alone() -> None:
    data = load_dataset("digits")
    images = [balanced_batch(data, 2, seeded_generator(seed))[0] for seed in (0, 0, 1)]
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
