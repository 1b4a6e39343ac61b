"""Random crops and flips of whole batches of images, as tensor operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

ImageOperation = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class RandomCrop:
    """Shift each image by up to `padding` pixels in both directions; what comes in is `fill`, (C,)."""

    fill: Tensor
    padding: int

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return images (N, C, H, W), each shifted on its own."""
        count, channels, height, width = images.shape
        fill = self.fill.to(images).view(1, channels, 1, 1)
        pad = self.padding
        padded = F.pad(images - fill, (pad, pad, pad, pad)) + fill
        offsets = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=generator).to(images.device)
        rows = offsets[0] + torch.arange(height, device=images.device)  # (N, H)
        columns = offsets[1] + torch.arange(width, device=images.device)  # (N, W)
        examples = torch.arange(count, device=images.device).view(-1, 1, 1)
        # Advanced indices around a slice put the sliced dimension last: (N, H, W, C).
        return padded[examples, :, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True)
class RandomFlip:
    """Mirror each image with probability one half."""

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return images (N, C, H, W), about half of them mirrored left to right."""
        flipped = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
        return torch.where(flipped.view(-1, 1, 1, 1), images.flip(3), images)


@dataclass(frozen=True)
class ImageAugmentation:
    """Image operations one after the other, on the first tensor of a batch. Draws come from a CPU generator."""

    operations: Sequence[ImageOperation]

    def __call__(self, batch: Any, generator: torch.Generator) -> Any:
        """Return the batch with its images changed."""
        images, *rest = batch
        for operation in self.operations:
            images = operation(images, generator)
        return (images, *rest)


def image_augmentation(names: Sequence[str], fill: Tensor, size: int) -> ImageAugmentation | None:
    """Return the augmentation made of ``crop`` and ``flip``; None for no names. Crops shift by an eighth of `size`."""
    makers: dict[str, Callable[[], ImageOperation]] = {
        "crop": lambda: RandomCrop(fill, max(1, size // 8)),
        "flip": RandomFlip,
    }
    return ImageAugmentation([makers[name]() for name in names]) if names else None
