"""A network and a batch small enough for finite differences."""

import pytest
import torch
from torch import nn

from palmette_plugins.engines.seeding import seeded_draws, seeded_generator


@pytest.fixture
def small_network() -> nn.Module:
    """Convolution, batch norm, tanh, linear: in float64, with a nonlinearity whose second derivative is not zero."""
    with seeded_draws(0, "network"):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3)
        ).double()


@pytest.fixture
def small_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Nine images (1, 6, 6) of three classes."""
    generator = seeded_generator(0, "batch")
    return torch.randn(9, 1, 6, 6, generator=generator, dtype=torch.float64), torch.arange(9) % 3
