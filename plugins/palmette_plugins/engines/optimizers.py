"""Optimizers from a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from palmette_plugins.engines.recipe import OptimizerKind, Recipe

ParameterGroups = Sequence[dict[str, Any]]


def build_optimizer(
    module: nn.Module, recipe: Recipe, parameter_groups: ParameterGroups | None = None
) -> torch.optim.Optimizer:
    """Return the recipe's optimizer over `parameter_groups`, or over every trainable parameter of `module`.

    A group is a dictionary as torch takes it (``params``, and settings that differ from the recipe's, such as
    ``lr`` or ``weight_decay``). The schedule multiplies each group's own learning rate.
    """
    groups = [dict(group) for group in parameter_groups] if parameter_groups else _default_groups(module, recipe)
    options: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    if recipe.optimizer is OptimizerKind.SGD:
        optimizer: torch.optim.Optimizer = torch.optim.SGD(
            groups, momentum=recipe.momentum, nesterov=recipe.nesterov, **options
        )
    else:
        optimizer = torch.optim.AdamW(groups, betas=(recipe.momentum, 0.999), **options)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer


def set_learning_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to its own largest one times `factor`."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor


def split_by_decay(parameters: Iterable[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Split into weights (two dimensions or more) and the rest: biases and normalisation parameters."""
    weights: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for parameter in parameters:
        (weights if parameter.ndim > 1 else rest).append(parameter)
    return weights, rest


def _default_groups(module: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if recipe.decay_norm_and_bias:
        return [{"params": trainable}]
    weights, rest = split_by_decay(trainable)
    return [
        {"params": group, **extra} for group, extra in ((weights, {}), (rest, {"weight_decay": 0.0})) if len(group) > 0
    ]
