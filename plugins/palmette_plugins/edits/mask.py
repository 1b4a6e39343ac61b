"""Edit ``mask``: layers get a mask over their weight, and over their bias where asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from palmette_plugins.api.errors import InvalidArgument, nearest_names


def mask(module: nn.Module, *, layers: Sequence[str], biases: Sequence[str] = ()) -> nn.Module:
    """Register bool buffers, all true, on the named layers and return the module.

    `layers` get ``weight_mask``, shaped like the weight, and `biases` get ``bias_mask``. The forward pass does not
    read them: whoever trains keeps masked entries at exactly zero.

    Raises:
        InvalidArgument: A name is not that of a layer with a weight, or a bias; field ``layers`` or ``biases``.
    """
    _register(module, layers, "weight", "layers")
    _register(module, biases, "bias", "biases")
    return module


def _register(module: nn.Module, names: Sequence[str], parameter: str, field: str) -> None:
    known = [name for name, part in module.named_modules() if isinstance(getattr(part, parameter, None), Tensor)]
    for name in names:
        if name not in known:
            raise InvalidArgument.field(
                field, f"'{name}' is not a layer with a {parameter}{nearest_names(name, known)}"
            )
        layer = module.get_submodule(name)
        if not hasattr(layer, f"{parameter}_mask"):
            layer.register_buffer(
                f"{parameter}_mask", torch.ones_like(layer.get_parameter(parameter), dtype=torch.bool)
            )
