"""What whole blocks of a network cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.engines.profiling import Totals, profile_layers, totals


@dataclass(frozen=True)
class BlockCosts:
    """The cost of a network for one input, and of some of its blocks.

    Attributes:
        model: The whole network.
        blocks: Block name -> its own cost.
    """

    model: Totals
    blocks: dict[str, Totals]

    def without(self, removed: Sequence[str]) -> int:
        """Return the multiply-adds of the network without these blocks."""
        return self.model.macs - sum(self.blocks[block].macs for block in removed)


def block_costs(module: nn.Module, blocks: Sequence[str], data: DataInfo) -> BlockCosts:
    """Return what `module` and each of `blocks` cost on inputs like `data`'s; `module` may be on ``meta``."""
    device = next((tensor.device for tensor in module.state_dict().values()), torch.device("cpu"))
    example = torch.zeros((1, *data.input_shape), dtype=getattr(torch, data.input_dtype), device=device)
    profiles = profile_layers(module, (example,))
    inside = {block: [p for p in profiles if p.name == block or p.name.startswith(f"{block}.")] for block in blocks}
    return BlockCosts(totals(profiles), {block: totals(found) for block, found in inside.items()})
