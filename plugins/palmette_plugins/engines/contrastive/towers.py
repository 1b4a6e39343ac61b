"""What every two-tower model of the suite is: unit vectors of images and of texts, and the factor of their cosines."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn


class Towers(nn.Module):
    """Base of two-tower models."""

    @abstractmethod
    def image_vectors(self, images: Tensor) -> Tensor:
        """Return unit vectors (B, D) of images (B, C, H, W)."""

    @abstractmethod
    def text_vectors(self, tokens: Tensor) -> Tensor:
        """Return unit vectors (B, D) of tokens (B, L)."""

    @abstractmethod
    def scale(self) -> Tensor:
        """Return the factor s of the cosines, a scalar of at most 100."""

    def forward(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return unit vectors of both, each (B, D), and s for every row, (B, 1)."""
        vectors = self.image_vectors(images)
        return vectors, self.text_vectors(tokens), self.scale().expand(images.shape[0], 1)
