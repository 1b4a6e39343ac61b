"""Layers whose weight is a mixture of templates."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from palmette_plugins.api.layers import CustomLayer, LayerCount
from palmette_plugins.engines.template_mixing.mixture import TemplateMixture

PlainLayer = nn.Conv2d | nn.Linear


class MixedLayer(CustomLayer, nn.Module):
    """A convolution or linear layer that mixes its weight anew in every forward.

    `plain` gives everything but the weight: stride, padding, dilation, and the bias, which is copied.
    """

    def __init__(self, plain: PlainLayer, mixture: TemplateMixture) -> None:
        nn.Module.__init__(self)
        self.mixture = mixture
        self.bias = None if plain.bias is None else nn.Parameter(plain.bias.detach().clone())
        # In a tuple, so that its weight is no parameter of this layer; on `meta`, so that it takes no memory.
        self._shell = (copy.deepcopy(plain).to("meta"),)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer with the weight as mixed now."""
        weight, plain = self.mixture(), self._shell[0]
        if isinstance(plain, nn.Linear):
            return F.linear(x, weight, self.bias)
        return F.conv2d(x, weight, self.bias, plain.stride, plain.padding, plain.dilation)

    def materialise(self) -> nn.Module:
        """Return the plain layer with the weight as mixed now."""
        weight = self.mixture().detach()
        plain = copy.deepcopy(self._shell[0]).to_empty(device=weight.device)
        with torch.no_grad():
            plain.weight.copy_(weight)
            if plain.bias is not None and self.bias is not None:
                plain.bias.copy_(self.bias)
        return plain

    def count(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> LayerCount:
        """Count stored templates and coefficients, and the multiply-adds of mixing beside the layer's own."""
        weight = self.mixture()
        stored = sum(parameter.numel() for parameter in self.parameters())
        nonzeros = sum(int(parameter.count_nonzero()) for parameter in self.parameters())
        positions = output_shape[-1] * output_shape[-2] if weight.ndim == 4 else 1
        mixing = self.mixture.mixing_macs()
        return LayerCount(
            parameters=stored,
            nonzeros=nonzeros,
            macs=mixing + positions * weight.numel(),
            effective_macs=mixing + positions * int(weight.count_nonzero()),
        )


def mixed_layer(module: nn.Module, name: str) -> MixedLayer:
    """Return the mixed layer of that name."""
    layer = module.get_submodule(name)
    if not isinstance(layer, MixedLayer):
        raise TypeError(f"layer '{name}' is a {type(layer).__name__}, not a MixedLayer")
    return layer


def plain_layer(module: nn.Module, name: str) -> PlainLayer:
    """Return the convolution or linear layer of that name."""
    layer = module.get_submodule(name)
    if not isinstance(layer, (nn.Conv2d, nn.Linear)):
        raise TypeError(f"layer '{name}' is a {type(layer).__name__}, not a Conv2d or Linear")
    return layer
