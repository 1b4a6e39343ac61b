"""Distillation: what a student learns from its teachers' answers."""

from palmette_plugins.engines.distillation.discriminator import Adversarial, Discriminator
from palmette_plugins.engines.distillation.soft_labels import (
    compressed,
    expanded,
    kl_divergence,
    mean_probabilities,
    soft_cross_entropy,
)

__all__ = [
    "Adversarial",
    "Discriminator",
    "compressed",
    "expanded",
    "kl_divergence",
    "mean_probabilities",
    "soft_cross_entropy",
]
