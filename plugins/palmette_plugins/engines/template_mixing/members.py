"""The two small networks: plain networks whose weights are each one mixture of templates."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from palmette_plugins.engines.template_mixing.coefficients import initial_coefficients
from palmette_plugins.engines.template_mixing.layers import MixedLayer, plain_layer
from palmette_plugins.engines.template_mixing.mixture import Grid, TemplateMixture

_COPY_NOISE = 0.01


@dataclass(frozen=True)
class LayerTemplates:
    """What a layer starts from: two template sets (T, O, I, *K) and the coefficients (4, T) of four blocks."""

    sets: tuple[Tensor, Tensor]
    coefficients: Tensor


def draw_templates(
    small: nn.Module, names: Sequence[str], templates: int, generator: torch.Generator
) -> dict[str, LayerTemplates]:
    """Draw templates (Kaiming normal, of the plain weight's fan-in) and coefficients for the named layers."""
    drawn = {}
    for name in names:
        weight = plain_layer(small, name).weight
        std = math.sqrt(2.0 / weight[0].numel())
        shape = (templates, *weight.shape)
        first, second = (torch.randn(shape, generator=generator) * std for _ in range(2))
        drawn[name] = LayerTemplates((first, second), initial_coefficients(templates, generator))
    return drawn


def mixed_member(small: nn.Module, start: Mapping[str, LayerTemplates], number: int) -> nn.Module:
    """Return a copy of the plain network `small` whose named layers mix template set `number` (0 or 1)."""
    member = copy.deepcopy(small)
    for name, layer in start.items():
        mixture = TemplateMixture(Grid.SINGLE, [layer.sets[number]], [layer.coefficients[number]])
        member.set_submodule(name, MixedLayer(plain_layer(member, name), mixture))
    return member


def noisy_copy(member: nn.Module, generator: torch.Generator) -> nn.Module:
    """Return a copy of a trained member whose templates differ by noise: 0.01 of each template's deviation."""
    twin = copy.deepcopy(member)
    with torch.no_grad():
        for layer in twin.modules():
            if isinstance(layer, TemplateMixture):
                for templates in layer.template_sets:
                    noise = torch.randn(templates.shape, generator=generator).to(templates)
                    templates.add_(_COPY_NOISE * templates.std(dim=1, keepdim=True) * noise)
    return twin
