"""Two tiny trained-looking members and what they grow into."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from palmette_plugins.architectures.zoo.resnet import ResNet
from palmette_plugins.engines.seeding import seeded_draws, seeded_generator
from palmette_plugins.engines.template_mixing import (
    CoefficientInit,
    GrowthPlan,
    draw_templates,
    grow,
    mixed_member,
    plan_growth,
)
from palmette_plugins.engines.template_mixing.members import LayerTemplates


@dataclass
class Growth:
    """Everything on the way from two members to the grown network."""

    small: nn.Module
    target: nn.Module
    plan: GrowthPlan
    start: dict[str, LayerTemplates]
    members: tuple[nn.Module, nn.Module]

    def grown(self, how: CoefficientInit) -> nn.Module:
        """Grow in this way."""
        initial = {name: layer.coefficients for name, layer in self.start.items()}
        return grow(self.target, self.members, self.plan.grids, initial, how, seeded_generator(0, "grow"))


def _make(templates: int) -> Growth:
    with seeded_draws(0, "networks"):
        small, target = ResNet(1, 4, 1, 10), ResNet(1, 8, 1, 10)
    plan = plan_growth(small, target)
    start = draw_templates(small, list(plan.grids), templates, seeded_generator(0, "templates"))
    members = (mixed_member(small, start, 0), mixed_member(small, start, 1))
    generator = seeded_generator(0, "training")
    for member in members:  # as if trained: everything moved, running statistics filled
        with torch.no_grad():
            for parameter in member.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
            member.train()(torch.randn(16, 1, 8, 8, generator=generator))
    return Growth(small, target, plan, start, members)


@pytest.fixture
def growth() -> Growth:
    """Growth with two templates a set, the default."""
    return _make(2)


@pytest.fixture
def growth_of_four() -> Growth:
    """Growth with four templates a set: as many as blocks."""
    return _make(4)


@pytest.fixture
def images() -> torch.Tensor:
    """Images (7, 1, 8, 8)."""
    return torch.randn(7, 1, 8, 8, generator=seeded_generator(0, "images"))
