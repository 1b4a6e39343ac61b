"""Coefficient vectors: how they start, and those of the blocks that growth adds."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import torch
from torch import Tensor, nn

_COPY_NOISE = 0.01


class CoefficientInit(StrEnum):
    """Where the coefficients of the two new blocks come from."""

    ORTHOGONAL = "orthogonal"
    ZERO = "zero"
    COPY = "copy"
    RANDOM = "random"
    NONE = "none"


def initial_coefficients(templates: int, generator: torch.Generator) -> Tensor:
    """Return (4, templates): one orthogonal matrix, a row for each block; rows are orthonormal from 4 templates on."""
    coefficients = torch.empty(4, templates)
    nn.init.orthogonal_(coefficients, generator=generator)
    return coefficients


def orthogonal_to(previous: Sequence[Tensor]) -> Tensor:
    """Return the unit vector that is most orthogonal to the `previous` ones, each (T,).

    It is the right-singular vector of the smallest singular value of the matrix that stacks them: exactly
    orthogonal where they span less than T dimensions, else the best there is.
    """
    stacked = torch.stack([p.detach() for p in previous]).double()
    right: Tensor = torch.linalg.svd(stacked, full_matrices=True).Vh  # rows are singular vectors
    return right[-1].to(previous[0].dtype)


def new_coefficients(
    how: CoefficientInit, learned: Sequence[Tensor], initial: Tensor, generator: torch.Generator
) -> list[Tensor]:
    """Return the coefficients (T,) of blocks 2 and 3.

    Args:
        how: `orthogonal`: each orthogonal to all before it; `zero`: the blocks are zero; `copy`: block 2 mixes
            as block 0 and block 3 as block 1, plus noise; `random`: random unit vectors; `none`: they keep
            their initial values.
        learned: The trained coefficients of blocks 0 and 1, each (T,).
        initial: (4, T), as `initial_coefficients` gave.
        generator: For noise and random vectors.
    """
    first, second = learned
    if how is CoefficientInit.ORTHOGONAL:
        third = orthogonal_to([first, second])
        return [third, orthogonal_to([first, second, third])]
    if how is CoefficientInit.ZERO:
        return [torch.zeros_like(first), torch.zeros_like(second)]
    if how is CoefficientInit.COPY:
        return [alpha.detach() + _COPY_NOISE * _unit(alpha, generator) for alpha in learned]
    if how is CoefficientInit.RANDOM:
        return [_unit(alpha, generator) for alpha in learned]
    return [initial[2], initial[3]]


def _unit(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator)
    unit: Tensor = drawn / drawn.norm()
    return unit.to(like)
