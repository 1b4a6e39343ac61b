"""Crops and flips: each image on its own, exact pixels, reproducible."""

import torch

from palmette_plugins.datasets.augmentation import RandomCrop, RandomFlip, image_augmentation


def test_a_crop_is_the_image_shifted_with_black_coming_in():
    images = torch.arange(2 * 2 * 6 * 6, dtype=torch.float32).view(2, 2, 6, 6) + 1
    fill = torch.tensor([-1.0, -2.0])
    padded = torch.empty(2, 2, 8, 8)
    padded[:] = fill.view(1, 2, 1, 1)
    padded[:, :, 1:7, 1:7] = images

    cropped = RandomCrop(fill, padding=1)(images, torch.Generator().manual_seed(0))

    windows = [[padded[i, :, y : y + 6, x : x + 6] for y in range(3) for x in range(3)] for i in range(2)]
    assert all(any(torch.equal(cropped[i], window) for window in windows[i]) for i in range(2))


def test_all_shifts_occur_about_equally_often():
    images = torch.zeros(9000, 1, 5, 5)
    images[:, :, 2, 2] = 1.0

    cropped = RandomCrop(torch.zeros(1), padding=1)(images, torch.Generator().manual_seed(0))

    where = cropped.flatten(1).argmax(dim=1).bincount(minlength=25)
    assert int((where > 0).sum()) == 9
    assert int(where[where > 0].min()) > 850


def test_about_half_of_the_images_are_mirrored_and_nothing_else_changes():
    images = torch.rand(1000, 1, 3, 4)

    flipped = RandomFlip()(images, torch.Generator().manual_seed(0))

    mirrored = (flipped == images.flip(3)).flatten(1).all(dim=1)
    kept = (flipped == images).flatten(1).all(dim=1)
    assert bool((mirrored | kept).all())
    assert 400 < int(mirrored.sum()) < 600


def test_equal_generators_give_equal_batches_and_labels_stay():
    augmentation = image_augmentation(("crop", "flip"), torch.zeros(1), 28)
    batch = (torch.rand(16, 1, 28, 28), torch.arange(16))

    first, again = (augmentation(batch, torch.Generator().manual_seed(3)) for _ in range(2))

    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], batch[1])
    assert not torch.equal(first[0], batch[0])
