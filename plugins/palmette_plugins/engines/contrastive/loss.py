"""The symmetric contrastive loss of image-text pairs (Radford et al., 2021, figure 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

START = math.log(1 / 0.07)
LARGEST = 100.0


class LogitScale(nn.Module):
    """The learned factor s of the cosines: exp of a parameter, 1/0.07 at the start and never above 100."""

    def __init__(self) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(torch.tensor(START))

    def forward(self) -> Tensor:
        """Return s, a scalar."""
        return clamped(self.logarithm)


def clamped(logarithm: Tensor) -> Tensor:
    """Return exp of a learned logarithm, at most 100."""
    return logarithm.exp().clamp(max=LARGEST)


def loss_sides(cosines: Tensor, scale: Tensor | float) -> tuple[Tensor, Tensor]:
    """Return the image side and the text side of the loss, in nats.

    Args:
        cosines: (B, B), rows are images, columns texts; image i belongs to text i.
        scale: What the cosines are multiplied by.
    """
    logits = cosines * scale
    own = torch.arange(len(logits), device=logits.device)
    return F.cross_entropy(logits, own), F.cross_entropy(logits.T, own)


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor | float) -> Tensor:
    """Return the mean of both sides for unit vectors of images and texts, each (B, D).

    Vectors of 16 bits are taken to 32: cosines near 1 would be rounded.
    """
    if images.element_size() < 4:
        images, texts = images.float(), texts.float()
    of_images, of_texts = loss_sides(images @ texts.T, scale)
    return (of_images + of_texts) / 2
