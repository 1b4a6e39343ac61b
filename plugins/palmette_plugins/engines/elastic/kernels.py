"""Elastic kernels: one depthwise weight, from whose centre smaller ones are made (Cai et al., 2020, section 3.2)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class KernelTransforms(nn.Module):
    """The trained matrices that turn the centre of a kernel into the next smaller kernel.

    One matrix for each step between supported sizes, shared by all channels of a block: with sizes 3, 5 and 7,
    ``7to5`` of 25 x 25 and ``5to3`` of 9 x 9. They start as the identity: a smaller kernel is the centre crop.
    """

    def __init__(self, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.kernels = kernels
        steps = pairwise(kernels)
        self.matrices = nn.ParameterDict(
            {f"{large}to{small}": nn.Parameter(torch.eye(small**2)) for small, large in steps}
        )

    def forward(self, weight_C1KK: Tensor, kernel: int) -> Tensor:
        """Return the weight (C, 1, kernel, kernel) of a supported size, made from the largest one."""
        sizes = [size for size in self.kernels if size >= kernel][::-1]
        for large, small in pairwise(sizes):
            edge = (large - small) // 2
            centre_C1kk = weight_C1KK[:, :, edge : edge + small, edge : edge + small]
            flat_Ck = centre_C1kk.reshape(len(weight_C1KK), small**2)
            weight_C1KK = (flat_Ck @ self.matrices[f"{large}to{small}"].T).reshape(-1, 1, small, small)
        return weight_C1KK
