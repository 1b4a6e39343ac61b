"""Edit ``drop_blocks``: residual blocks or transformer layers are taken out of the network."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from palmette_plugins.api.errors import InvalidArgument, nearest_names
from palmette_plugins.architectures.residual import removable_blocks


def drop_blocks(module: nn.Module, *, names: Sequence[str]) -> nn.Module:
    """Take blocks out of the sequences that hold them, and return the module.

    Nothing stays in their place: the input of the block goes on to the next one. The other blocks keep their names
    (``stages.0.0`` and ``stages.0.2`` when ``stages.0.1`` went), so weights of before still fit.

    Raises:
        InvalidArgument: A name is not that of a removable block; field ``names``.
    """
    removable = removable_blocks(module)
    for name in names:
        if name not in removable:
            raise InvalidArgument.field("names", f"'{name}' is not a removable block{nearest_names(name, removable)}")
    for name in dict.fromkeys(names):
        parent, _, child = name.rpartition(".")
        delattr(module.get_submodule(parent), child)
    return module
