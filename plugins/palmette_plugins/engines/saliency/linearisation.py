"""A network without its nonlinearities: what SynFlow sends its signal through."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_ACTIVATION_MODULES = ("torch.nn.modules.activation", "transformers.activations", "timm.layers.activations")
_CHANNELS_FIRST = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm)


def linearise(module: nn.Module) -> nn.Module:
    """Make `module` linear and positive, in place: weights become |w|, biases 0; return it.

    Activations pass their input through, normalisations scale by |weight| alone, and embeddings give ones. A
    functional ReLU needs nothing: on a positive signal it is the identity.
    """
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.abs_()
            if name.rsplit(".", 1)[-1] == "bias":
                parameter.zero_()
    for layer in module.modules():
        if isinstance(layer, nn.Embedding):
            layer.register_forward_hook(_ones)
        elif _is_normalisation(layer):
            layer.register_forward_hook(_scale_only)
        elif type(layer).__module__ in _ACTIVATION_MODULES and not isinstance(layer, nn.MultiheadAttention):
            layer.register_forward_hook(_pass_through)
    return module.eval()


def _is_normalisation(layer: nn.Module) -> bool:
    known = (*_CHANNELS_FIRST, nn.LayerNorm, nn.RMSNorm)
    return isinstance(layer, known) or type(layer).__name__.endswith("RMSNorm")


def _pass_through(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
    return inputs[0]


def _ones(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    return torch.ones_like(output)


def _scale_only(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    x: Tensor = inputs[0]
    weight: Tensor | None = getattr(layer, "weight", None)
    if weight is None:
        return x
    if isinstance(layer, _CHANNELS_FIRST) or type(layer).__name__.endswith("2d"):
        weight = weight.reshape(1, -1, *[1] * (x.ndim - 2))  # (1, C, 1, 1)
    return x * weight
