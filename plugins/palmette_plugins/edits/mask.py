"""Edit ``mask``: layers get a mask over their weight."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from palmette_plugins.api.errors import InvalidArgument, nearest_names

BUFFER = "weight_mask"


def mask(module: nn.Module, *, layers: Sequence[str]) -> nn.Module:
    """Register the bool buffer ``weight_mask``, all true, shaped like the weight, on each layer; return the module.

    The forward pass does not read it: whoever trains keeps masked weights at exactly zero.

    Raises:
        InvalidArgument: A name is not that of a layer with a weight; field ``layers``.
    """
    known = [name for name, part in module.named_modules() if isinstance(getattr(part, "weight", None), Tensor)]
    for name in layers:
        if name not in known:
            raise InvalidArgument.field("layers", f"'{name}' is not a layer with a weight{nearest_names(name, known)}")
        layer = module.get_submodule(name)
        weight = layer.weight
        if isinstance(weight, Tensor) and not hasattr(layer, BUFFER):
            layer.register_buffer(BUFFER, torch.ones_like(weight, dtype=torch.bool))
    return module
