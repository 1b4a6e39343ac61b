"""CutMix without labels: a box of one image pasted into another (Yun et al., 2019), before any network sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Augmentation = Callable[[Any, torch.Generator], Any]


class CutMix:
    """An augmentation of training batches (images, ...): every image gets a box from another image of the batch.

    The teachers answer the mixed image, so the labels play no part and stay as they are.
    """

    def __init__(self, alpha: float, before: Augmentation | None = None) -> None:
        """Make the augmentation.

        Args:
            alpha: The share of the image that stays is drawn from Beta(alpha, alpha).
            before: Another augmentation, applied first.
        """
        self._alpha = alpha
        self._before = before

    def __call__(self, batch: Any, generator: torch.Generator) -> Any:
        """Return the batch with mixed images."""
        if self._before is not None:
            batch = self._before(batch, generator)
        images, *rest = batch
        return (mixed(images, self._alpha, generator), *rest)


def mixed(images: Tensor, alpha: float, generator: torch.Generator) -> Tensor:
    """Return images (B, C, H, W), each with the same box pasted in from another one of the batch."""
    kept = _beta(alpha, generator)
    height, width = images.shape[-2:]
    side = (1.0 - kept) ** 0.5
    h, w = round(side * height), round(side * width)
    y, x = (int(torch.randint(size + 1, (), generator=generator)) for size in (height, width))
    top, bottom = max(0, y - h // 2), min(height, y + (h + 1) // 2)
    left, right = max(0, x - w // 2), min(width, x + (w + 1) // 2)
    other = torch.randperm(len(images), generator=generator).to(images.device)
    result = images.clone()
    result[:, :, top:bottom, left:right] = images[other, :, top:bottom, left:right]
    return result


def _beta(alpha: float, generator: torch.Generator) -> float:
    """Draw from Beta(alpha, alpha) as the share of one of two gamma variables."""
    shape = torch.full((2,), alpha, dtype=torch.float64)
    first, second = torch._standard_gamma(shape, generator=generator).tolist()
    return float(first / (first + second)) if first + second > 0 else 0.5
