"""Optimizers and their parameter groups."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from palmette_plugins.engines.optimizers import build_optimizer, set_learning_rates
from palmette_plugins.engines.recipe import Recipe


@pytest.fixture
def module() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def test_everything_decays_unless_told_otherwise(module: nn.Module) -> None:
    groups = build_optimizer(module, Recipe(weight_decay=0.01)).param_groups
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [(5, 0.01)]


def test_norms_and_biases_can_be_spared(module: nn.Module) -> None:
    groups = build_optimizer(module, Recipe(weight_decay=0.01, decay_norm_and_bias=False)).param_groups
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [(2, 0.01), (3, 0.0)]


def test_frozen_parameters_are_left_out(module: nn.Module) -> None:
    module[0].weight.requires_grad_(False)
    (group,) = build_optimizer(module, Recipe()).param_groups
    assert all(parameter is not module[0].weight for parameter in group["params"])


def test_the_schedule_scales_each_groups_own_learning_rate(module: nn.Module) -> None:
    groups = [{"params": [module[0].weight]}, {"params": [module[3].weight], "lr": 0.01}]
    optimizer = build_optimizer(module, Recipe(lr=0.1), groups)
    set_learning_rates(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.005]


def test_adamw_takes_its_first_beta_from_momentum(module: nn.Module) -> None:
    optimizer = build_optimizer(module, Recipe(optimizer="adamw", momentum=0.8))
    assert isinstance(optimizer, torch.optim.AdamW)
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.999)
