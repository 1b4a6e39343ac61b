"""Folding layers of our own into plain ones."""

from __future__ import annotations

import copy

from torch import nn

from palmette_plugins.api.layers import CustomLayer


def materialised(module: nn.Module) -> nn.Module:
    """Return a copy in which every custom layer that can be is a plain one with the same function."""
    plain = copy.deepcopy(module)
    for name, layer in list(plain.named_modules()):
        folded = layer.materialise() if isinstance(layer, CustomLayer) else None
        if folded is not None:
            plain.set_submodule(name, folded)
    return plain.train(module.training)
