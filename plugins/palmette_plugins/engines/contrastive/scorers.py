"""What gives a pair its score: the cosine of its vectors, a classifier on them, or how well it is filled in."""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.engines.contrastive.masked_pair import MaskedPair
from palmette_plugins.engines.contrastive.towers import Towers

_DECAY = 1e-3
_ITERATIONS = 200


class ScorerKind(StrEnum):
    """Which score."""

    CONTRASTIVE = "contrastive"
    BINARY = "binary"
    RECONSTRUCTION = "reconstruction"


class CosineScore(nn.Module):
    """The cosine of image and text, without the learned factor: in [-1, 1]."""

    def __init__(self, towers: Towers) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Return the scores (B,)."""
        return (self.towers.image_vectors(images).float() * self.towers.text_vectors(tokens).float()).sum(dim=1)


class BinaryScore(nn.Module):
    """Two times the probability that a pair is of the clean set, minus one: in [-1, 1].

    A logistic regression on the vectors of both towers and on their product, which holds whether they agree.
    """

    def __init__(self, towers: Towers, dimension: int) -> None:
        super().__init__()
        self.towers = towers
        self.head = nn.Linear(3 * dimension, 1)

    def features(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Return what the head sees, (B, 3 D)."""
        of_images, of_texts = self.towers.image_vectors(images).float(), self.towers.text_vectors(tokens).float()
        dimension = of_images.shape[1]
        return torch.cat([of_images, of_texts, dimension * of_images * of_texts], dim=1)

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Return the scores (B,)."""
        logits: Tensor = self.head(self.features(images, tokens)).squeeze(1)
        return torch.tanh(logits / 2)


class ReconstructionScore(nn.Module):
    """Minus the loss of a masked autoencoder that was trained on clean pairs: at most 0."""

    def __init__(self, autoencoder: MaskedPair) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Return the scores (B,)."""
        return -self.autoencoder(images, tokens)


def fit_head(head: nn.Linear, clean: Tensor, pool: Tensor) -> float:
    """Fit a logistic regression in place that tells features of clean pairs (N, F) from those of the pool (M, F).

    Starts at 0 and ends at the one minimum, so nothing is drawn. Both sides weigh the same. Returns the loss in nats.
    """
    features = torch.cat([clean, pool]).double()
    targets = torch.cat([torch.ones(len(clean)), torch.zeros(len(pool))]).to(features)
    weights = torch.cat([torch.full((n,), 0.5 / n) for n in (len(clean), len(pool))]).to(features)
    weight = torch.zeros(features.shape[1], dtype=torch.float64, device=features.device, requires_grad=True)
    bias = torch.zeros((), dtype=torch.float64, device=features.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(features @ weight + bias, targets, weights, reduction="sum")
        loss = loss + _DECAY * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        head.weight.copy_(weight.unsqueeze(0))
        head.bias.copy_(bias.unsqueeze(0))
    return float(closure().detach())
