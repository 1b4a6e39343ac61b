"""Fixed crops: the views of each image that teachers label once and students see for ever."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.engines.seeding import seeded_generator

AREA = (0.25, 1.0)
RATIO = (3 / 4, 4 / 3)
_TRIES = 10


class FixedCrops(TorchDataset[Any]):
    """`crops` views of every example of an image split: the image itself, and random resized crops of it.

    View v of example i is number ``i * crops + v``. Which part of the image it shows depends on the seed and its
    number alone, so nothing but labels need be stored.
    """

    def __init__(self, split: TorchDataset[Any], crops: int, seed: int) -> None:
        self._split = split
        self._crops = crops
        self._seed = seed
        self._labels: tuple[Tensor, ...] = ()

    def with_labels(self, *labels: Tensor) -> FixedCrops:
        """Return the crops with further tensors, one row per view, after each example's own."""
        labelled = FixedCrops(self._split, self._crops, self._seed)
        labelled._labels = labels
        return labelled

    def nbytes(self) -> int:
        """Return how much memory all views would take."""
        image = self._split[0][0]
        return len(self) * image.numel() * image.element_size()

    def __len__(self) -> int:
        return self._crops * len(self._split)  # type: ignore[arg-type]

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        image, *rest = self._split[number // self._crops]
        if number % self._crops:
            generator = seeded_generator(self._seed, f"crop/{number}")
            image = resized_crop(image, *draw_crop(image.shape[-2], image.shape[-1], generator))
        return (image, *rest, *(labels[number] for labels in self._labels))


def draw_crop(height: int, width: int, generator: torch.Generator) -> tuple[int, int, int, int]:
    """Draw (top, left, height, width) of a crop with an area share and a ratio of sides as usual for ImageNet.

    Area uniform in `AREA`, ratio log-uniform in `RATIO`; the whole image if no draw fits in.
    """
    for _ in range(_TRIES):
        area, position, top, left = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        target = height * width * (AREA[0] + area * (AREA[1] - AREA[0]))
        low, high = (math.log(ratio) for ratio in RATIO)
        ratio = math.exp(low + position * (high - low))
        w, h = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
        if 0 < w <= width and 0 < h <= height:
            return int(top * (height - h + 1)), int(left * (width - w + 1)), h, w
    return 0, 0, height, width


def resized_crop(image: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Return the crop of an image (C, H, W) scaled to the image's own size, bilinear."""
    part = image[None, :, top : top + height, left : left + width]
    return F.interpolate(part, size=image.shape[-2:], mode="bilinear", align_corners=False, antialias=True)[0]
