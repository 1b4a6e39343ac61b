"""A discriminator that tells a student's answers from its teachers' (Shen and Savvides, 2020, section 3.2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Adversarial(StrEnum):
    """How the discriminator acts on the student."""

    REVERSE = "reverse"
    OFFICIAL = "official"
    NONE = "none"


def hidden_sizes(num_classes: int, k: int) -> tuple[int, int]:
    """Return the widths of the two hidden layers."""
    return num_classes // k, num_classes // k // k


class Discriminator(nn.Module):
    """Answers (B, C) -> two numbers: is it the student, is it the teachers.

    ``reverse``: it learns to tell them apart while the student, whose gradient is reversed, learns to hide.
    ``official`` is the wiring of the authors' code: no reversal, and a ReLU after the last layer.
    """

    def __init__(self, num_classes: int, k: int, adversarial: Adversarial) -> None:
        super().__init__()
        first, second = hidden_sizes(num_classes, k)
        layers: list[nn.Module] = [nn.Linear(num_classes, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU()]
        layers.append(nn.Linear(second, 2))
        if adversarial is Adversarial.OFFICIAL:
            layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers)
        self.reversing = adversarial is Adversarial.REVERSE

    def forward(self, answers: Tensor) -> Tensor:
        """Return (B, 2)."""
        scores: Tensor = self.layers(answers)
        return scores

    def loss(self, student: Tensor, teachers: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean binary cross-entropy over all entries, and the share it told right (no gradient).

        Args:
            student: The student's answers (B, C), with their graph.
            teachers: The teachers' averaged answers (B, C).
        """
        seen = reversed_gradient(student) if self.reversing else student
        scores = self(torch.cat([seen, teachers.detach()]))
        target = torch.zeros_like(scores)
        target[: len(student), 0] = 1.0
        target[len(student) :, 1] = 1.0
        told = (scores.argmax(dim=1) == target.argmax(dim=1)).float().mean()
        return F.binary_cross_entropy_with_logits(scores, target), told


def reversed_gradient(x: Tensor) -> Tensor:
    """Return `x`; the gradient that comes back through it changes its sign."""
    result: Tensor = _Reverse.apply(x)
    return result


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return -gradient
