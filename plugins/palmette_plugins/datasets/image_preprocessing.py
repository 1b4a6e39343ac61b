"""Pixels to inputs: scaled, then standardised per channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Standardisation:
    """``(pixel * scale - mean) / std``; mean and std per channel, of scaled pixels."""

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return float32 (N, C, H, W) for pixels (N, C, H, W)."""
        factor = torch.tensor([self.scale / std for std in self.std], dtype=torch.float32).view(1, -1, 1, 1)
        shift = torch.tensor([m / s for m, s in zip(self.mean, self.std, strict=True)], dtype=torch.float32)
        return torch.from_numpy(np.ascontiguousarray(pixels)).float().mul_(factor).sub_(shift.view(1, -1, 1, 1))

    def black(self) -> Tensor:
        """Return the input value of a black pixel, float32 of shape (C,)."""
        return torch.tensor([-m / s for m, s in zip(self.mean, self.std, strict=True)], dtype=torch.float32)

    def as_preprocessing(self) -> Mapping[str, Any]:
        """Return it as `TensorSpec.preprocessing` records it."""
        return {"scale": self.scale, "mean": list(self.mean), "std": list(self.std)}


def channel_statistics(pixels: NDArray[np.uint8], scale: float) -> Standardisation:
    """Return the standardisation of pixels (N, C, H, W) by their own mean and deviation, rounded to 4 digits."""
    scaled = pixels.astype(np.float64) * scale
    mean, std = scaled.mean(axis=(0, 2, 3)), scaled.std(axis=(0, 2, 3))
    return Standardisation(scale, tuple(round(float(m), 4) for m in mean), tuple(round(float(s), 4) for s in std))
