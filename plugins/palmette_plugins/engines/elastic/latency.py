"""Latency as a sum over blocks: each block that a sub-network may have, timed once on this machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import nn

from palmette_plugins.architectures.mobile.blocks import MobileBlock
from palmette_plugins.architectures.mobile.frame import StageFrame
from palmette_plugins.architectures.mobile.network import MobileTrunk
from palmette_plugins.engines.elastic.costs import CostTable
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.engines.profiling import measure_latency
from palmette_plugins.engines.seeding import seeded_draws


class _Head(nn.Module):
    def __init__(self, trunk: MobileTrunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self.trunk.after_stages(x_BCHW)


def latency_table(
    space: Space,
    in_channels: int,
    num_classes: int,
    device: torch.device | str = "cpu",
    *,
    batch: int = 1,
    repeats: int = 10,
    check: Callable[[], None] | None = None,
) -> CostTable:
    """Return the table of milliseconds per batch on `device`, which should do nothing else meanwhile.

    Args:
        space: Whose blocks.
        in_channels: Of the images.
        num_classes: Of the classifier.
        device: Where to measure.
        batch: Images at a time.
        repeats: Timed passes of each block; their median counts.
        check: Called before each block; what it raises comes out.
    """
    with seeded_draws(0, "latency"):  # new weights must not move torch's random state
        return _measured(space, in_channels, num_classes, device, batch, repeats, check)


def _measured(
    space: Space,
    in_channels: int,
    num_classes: int,
    device: torch.device | str,
    batch: int,
    repeats: int,
    check: Callable[[], None] | None,
) -> CostTable:
    trunk = MobileTrunk(space.frame, in_channels, num_classes).to(device).eval()
    fixed = np.zeros(len(space.resolutions))
    blocks = np.zeros((len(space.slots), len(space.expands), len(space.kernels), len(space.resolutions)))

    def timed(module: nn.Module, channels: int, size: int) -> float:
        if check is not None:
            check()
        images = torch.zeros((batch, channels, size, size), device=device)
        return measure_latency(module.to(device), (images,), repeats)

    for r, resolution in enumerate(space.resolutions):
        size = math.ceil(resolution / space.frame.stem_stride)
        fixed[r] = timed(nn.Sequential(trunk.stem, trunk.first), in_channels, resolution)
        width = space.frame.first_width
        for number, stage in enumerate(space.frame.stages):
            slots = [index for index, (of_stage, _) in enumerate(space.slots) if of_stage == number]
            # The first block of a stage differs from the others, which are alike.
            for places, stride in ((slots[:1], stage.stride), (slots[1:], 1)):
                for (e, expand), (k, kernel) in product(enumerate(space.expands), enumerate(space.kernels)):
                    if places:
                        blocks[places, e, k, r] = timed(_block(width, stage, stride, expand, kernel), width, size)
                width, size = stage.width, math.ceil(size / stride)
        fixed[r] += timed(_Head(trunk), width, size)
    return CostTable(space, fixed, blocks)


def _block(width: int, stage: StageFrame, stride: int, expand: int, kernel: int) -> MobileBlock:
    return MobileBlock(
        width,
        stage.width,
        stride,
        expand=expand,
        kernel=kernel,
        activation=stage.activation,
        squeeze_excite=stage.squeeze_excite,
    )
