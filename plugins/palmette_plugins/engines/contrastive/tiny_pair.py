"""The smallest two towers that learn something: a few convolutions, and the average of word vectors."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.engines.contrastive.loss import LogitScale
from palmette_plugins.engines.contrastive.towers import Towers

_GRID = 4  # the image's features are averaged to so many places in each direction


class TinyPair(Towers):
    """Three convolutions with batch norm for images; word vectors, averaged, for texts."""

    def __init__(self, channels: int, dimension: int, width: int, vocabulary: int) -> None:
        super().__init__()
        self.image = nn.Sequential(
            _convolution(channels, width, stride=2),
            _convolution(width, 2 * width, stride=2),
            _convolution(2 * width, 2 * width, stride=1),
            nn.AdaptiveAvgPool2d(_GRID),
            nn.Flatten(),
            nn.Linear(2 * width * _GRID**2, dimension),
        )
        self.words = nn.Embedding(vocabulary, 2 * width, padding_idx=0)
        self.text = nn.Linear(2 * width, dimension)
        self.logit_scale = LogitScale()

    def image_vectors(self, images: Tensor) -> Tensor:
        """Return unit vectors (B, D) of images (B, C, H, W)."""
        return F.normalize(self.image(images).float(), dim=1)

    def text_vectors(self, tokens: Tensor) -> Tensor:
        """Return unit vectors (B, D) of the mean of the words of tokens (B, L); 0 is no word."""
        there = (tokens > 0).unsqueeze(2).float()
        mean = (self.words(tokens) * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)
        return F.normalize(self.text(mean).float(), dim=1)

    def scale(self) -> Tensor:
        """Return the factor of the cosines."""
        factor: Tensor = self.logit_scale()
        return factor


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )
