"""Optimizer groups of a mixed network."""

from __future__ import annotations

from typing import Any

from torch import nn

from palmette_plugins.engines.optimizers import split_by_decay
from palmette_plugins.engines.template_mixing.mixture import TemplateMixture


def mixture_parameter_groups(module: nn.Module, *, decay_norm_and_bias: bool) -> list[dict[str, Any]]:
    """Return the groups of an optimizer: coefficients are never decayed, which would shrink whole layers."""
    coefficients = [
        parameter
        for layer in module.modules()
        if isinstance(layer, TemplateMixture)
        for parameter in layer.coefficients.values()
    ]
    apart = {id(parameter) for parameter in coefficients}
    weights, rest = split_by_decay(parameter for parameter in module.parameters() if id(parameter) not in apart)
    decayed, plain = ([*weights, *rest], coefficients) if decay_norm_and_bias else (weights, [*rest, *coefficients])
    return [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
