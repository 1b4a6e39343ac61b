"""Fixed crops and mixed images."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.engines.distillation.cutmix import CutMix, mixed
from palmette_plugins.engines.distillation.fixed_crops import AREA, FixedCrops, draw_crop

IMAGES = torch.randn(5, 3, 12, 10, generator=torch.Generator().manual_seed(0))
SPLIT = TensorSplit(IMAGES, torch.arange(5))


def test_the_first_view_is_the_image_and_every_view_stays_the_same() -> None:
    crops = FixedCrops(SPLIT, 4, seed=3)
    assert len(crops) == 20
    assert torch.equal(crops[8][0], IMAGES[2])
    assert crops[9][0].shape == IMAGES[2].shape
    assert not torch.equal(crops[9][0], IMAGES[2])
    assert int(crops[11][1]) == 2
    again = FixedCrops(SPLIT, 4, seed=3)
    assert all(torch.equal(crops[number][0], again[number][0]) for number in range(20))
    assert not torch.equal(FixedCrops(SPLIT, 4, seed=4)[9][0], crops[9][0])


def test_labels_go_with_their_views() -> None:
    labelled = FixedCrops(SPLIT, 2, seed=0).with_labels(torch.arange(10) * 7)
    assert [int(labelled[number][2]) for number in (0, 3, 9)] == [0, 21, 63]


@given(st.integers(4, 60), st.integers(4, 60), st.integers(0, 10_000))
def test_crops_lie_inside_the_image(height: int, width: int, seed: int) -> None:
    top, left, h, w = draw_crop(height, width, torch.Generator().manual_seed(seed))
    assert 0 <= top <= top + h <= height
    assert 0 <= left <= left + w <= width
    assert h * w >= AREA[0] * height * width * 0.6  # rounding to whole pixels takes some


def test_mixing_pastes_one_box_from_another_image_and_leaves_labels_alone() -> None:
    generator = torch.Generator().manual_seed(2)
    images, classes = CutMix(1.0)((IMAGES, torch.arange(5)), generator)
    assert torch.equal(classes, torch.arange(5))
    changed = (images != IMAGES).any(dim=1)
    assert 0 < int(changed.any(dim=0).sum()) < 120
    for image, where in zip(images, changed, strict=True):
        sources = [other for other in IMAGES if torch.equal(image[:, where], other[:, where])]
        assert sources  # what changed comes from one image of the batch


@given(st.floats(0.05, 5), st.integers(0, 1000))
def test_mixing_draws_the_same_for_the_same_generator(alpha: float, seed: int) -> None:
    first, second = (mixed(IMAGES, alpha, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(first, second)
