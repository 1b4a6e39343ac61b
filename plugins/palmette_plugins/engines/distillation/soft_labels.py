"""Soft labels: class probabilities instead of one class. All in float32: (B, C) is small and sums must be exact."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mean_probabilities(logits: Sequence[Tensor]) -> Tensor:
    """Return the mean over teachers of their probabilities (B, C), given their logits (B, C).

    The mean of probabilities, not the softmax of mean logits: one confident teacher must not outvote the others.
    """
    return torch.stack([teacher.float().softmax(dim=1) for teacher in logits]).mean(dim=0)


def soft_cross_entropy(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Return the mean over the batch of -sum_c p_c log softmax(logits)_c, in nats."""
    return -(probabilities * logits.float().log_softmax(dim=1)).sum(dim=1).mean()


def kl_divergence(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Return the mean over the batch of KL(p || softmax(logits)), in nats.

    The soft cross-entropy without the entropy of p, which the student cannot change: the gradients are equal.
    """
    entropy = -torch.special.xlogy(probabilities, probabilities).sum(dim=1).mean()
    return soft_cross_entropy(logits, probabilities) - entropy


def compressed(probabilities: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k largest probabilities of each row, (B, k) float32, and their classes, (B, k) int64."""
    values, classes = probabilities.float().topk(k, dim=1)
    return values, classes


def expanded(values: Tensor, classes: Tensor, num_classes: int) -> Tensor:
    """Return probabilities (B, C) from what `compressed` kept; the other classes share the rest evenly."""
    k = values.shape[1]
    rest = (1.0 - values.sum(dim=1, keepdim=True)).clamp_min(0.0) / (num_classes - k)
    return rest.expand(-1, num_classes).scatter(1, classes, values)
