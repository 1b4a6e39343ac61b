"""A weight mixed from templates (MixtureGrowth; Pham et al., 2024, sections 3.1 and 3.2).

Shapes: T templates of (O, I, *K) each, O and I the sizes of one block, K the kernel; coefficients (T,).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor, nn


class Grid(Enum):
    """How blocks make up a weight: rows are parts of the outputs, columns parts of the inputs.

    Block b mixes template set b mod 2: blocks 0 and 1 are the two members', 2 and 3 are new.
    """

    SINGLE = ((0,),)
    FULL = ((0, 2), (3, 1))
    OUTPUTS = ((0,), (1,))  # the first layer: its inputs are not split
    INPUTS = ((0, 1),)  # the classifier: its outputs are not split

    @property
    def blocks(self) -> list[int]:
        """Numbers of the blocks, ascending."""
        return sorted(block for row in self.value for block in row)


class TemplateMixture(nn.Module):
    """Gives a weight (O', I', *K) made of blocks W_b = sum_i alpha_b[i] t_i, the t_i of set b mod 2."""

    def __init__(self, grid: Grid, template_sets: Sequence[Tensor], coefficients: Sequence[Tensor]) -> None:
        """Hold copies of `template_sets` (each (T, O, I, *K)) and of one coefficient vector a block, ascending."""
        super().__init__()
        self.grid = grid
        self.block_shape = template_sets[0].shape[1:]
        # (T, O I K): flat, so that no memory format for images ever applies to them.
        self.template_sets = nn.ParameterList(nn.Parameter(t.detach().flatten(1).clone()) for t in template_sets)
        self.coefficients = nn.ParameterDict(
            {
                str(block): nn.Parameter(alpha.detach().clone())
                for block, alpha in zip(grid.blocks, coefficients, strict=True)
            }
        )

    def templates(self, number: int) -> Tensor:
        """Return template set `number`, (T, O, I, *K)."""
        flat: Tensor = self.template_sets[number]
        return flat.view(-1, *self.block_shape)

    def block(self, number: int) -> Tensor:
        """Return block `number`, (O, I, *K)."""
        # Products and a sum, not a matrix product: under autocast that would round the weight to 16 bits.
        products_TN: Tensor = self.coefficients[str(number)].unsqueeze(1) * self.template_sets[number % 2]
        return products_TN.sum(dim=0).view(self.block_shape)

    def forward(self) -> Tensor:
        """Return the whole weight."""
        return torch.cat([torch.cat([self.block(b) for b in row], dim=1) for row in self.grid.value], dim=0)

    def mixing_macs(self) -> int:
        """Return the multiply-adds of mixing the whole weight once."""
        flat: Tensor = self.template_sets[0]
        return len(self.grid.blocks) * flat.numel()
