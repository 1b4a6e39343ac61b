"""Exact costs of sub-networks: sums of what their blocks cost, looked up for many at once.

A block's cost depends on its slot, expand ratio, kernel and resolution only, because every stage has one width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from palmette_plugins.architectures.mobile.widths import hidden_width, middle_width
from palmette_plugins.engines.elastic.populations import (
    Floats,
    Genes,
    active_slots,
    resolution_answers,
    slot_answers,
)
from palmette_plugins.engines.elastic.space import Choice, GeneKind, Space


@dataclass(frozen=True)
class CostTable:
    """What the parts of sub-networks cost.

    Attributes:
        space: Whose.
        fixed: Everything outside the stages, (resolutions,).
        blocks: Each block, (slots, expands, kernels, resolutions).
    """

    space: Space
    fixed: Floats
    blocks: Floats

    def of(self, genes: Genes) -> Floats:
        """Return the cost of each row, (N,)."""
        resolutions = resolution_answers(self.space, genes)
        slots = np.arange(len(self.space.slots))
        expands = slot_answers(self.space, genes, GeneKind.EXPAND)
        kernels = slot_answers(self.space, genes, GeneKind.KERNEL)
        costs = self.blocks[slots, expands, kernels, resolutions[:, None]]
        return self.fixed[resolutions] + np.where(active_slots(self.space, genes), costs, 0.0).sum(axis=1)

    def of_choice(self, choice: Choice) -> float:
        """Return the cost of one sub-network."""
        return float(self.of(np.array([self.space.encode(choice)], dtype=np.int64))[0])

    def cheapest(self) -> float:
        """Return the least that any sub-network costs."""
        return float(self.of(np.array([self.cheapest_genes()], dtype=np.int64))[0])

    def cheapest_genes(self) -> list[int]:
        """Return the genes of the cheapest sub-network."""
        flat = self.blocks.reshape(len(self.blocks), -1, self.blocks.shape[-1])
        least = flat.min(axis=1)  # (slots, resolutions)
        required = np.array([block < min(self.space.stage_depths(stage)) for stage, block in self.space.slots])
        resolution = int(np.argmin(self.fixed + least[required].sum(axis=0)))
        best = flat[:, :, resolution].argmin(axis=1)
        expands, kernels = np.unravel_index(best, self.blocks.shape[1:3])
        slots = {slot: number for number, slot in enumerate(self.space.slots)}
        answers = []
        for gene in self.space.genes:
            if gene.kind is GeneKind.RESOLUTION:
                answers.append(resolution)
            elif gene.kind is GeneKind.DEPTH:
                answers.append(0)
            else:
                slot = slots[gene.stage, gene.block]
                answers.append(int((expands if gene.kind is GeneKind.EXPAND else kernels)[slot]))
        return answers


@lru_cache(maxsize=16)
def parameter_table(space: Space, in_channels: int, num_classes: int) -> CostTable:
    """Return the table of stored parameters."""
    frame = space.frame
    stem = 9 * in_channels * frame.stem_width + 2 * frame.stem_width
    first = 9 * frame.stem_width + 2 * frame.stem_width + frame.stem_width * frame.first_width + 2 * frame.first_width
    feature = frame.stages[-1].width * frame.feature_width + 2 * frame.feature_width
    last = frame.head_width or frame.feature_width
    head = frame.feature_width * frame.head_width + last * num_classes + num_classes
    return _table(space, lambda _: stem + first + feature + head, lambda block, _: block.parameters)


@lru_cache(maxsize=16)
def macs_table(space: Space, in_channels: int, num_classes: int) -> CostTable:
    """Return the table of multiply-adds for one image: convolutions and linear layers."""
    frame = space.frame

    def outside(resolution: int) -> int:
        stem = _strided(resolution, frame.stem_stride)
        end = stem
        for stage in frame.stages:
            end = _strided(end, stage.stride)
        inside = stem**2 * frame.stem_width * (9 * in_channels + 9 + frame.first_width)
        feature = end**2 * frame.stages[-1].width * frame.feature_width
        last = frame.head_width or frame.feature_width
        return inside + feature + frame.feature_width * frame.head_width + last * num_classes

    return _table(space, outside, lambda block, resolution: block.macs(resolution))


@dataclass(frozen=True)
class _Block:
    """A block at its place."""

    space: Space
    stage: int
    index: int
    expand: int
    kernel: int

    @property
    def in_channels(self) -> int:
        stages = self.space.frame.stages
        if self.index:
            return stages[self.stage].width
        return stages[self.stage - 1].width if self.stage else self.space.frame.first_width

    @property
    def middle(self) -> int:
        return middle_width(self.in_channels, self.expand)

    @property
    def parameters(self) -> int:
        """c_in m + 2 m + K^2 m + 2 m + [2 m s + s + m] + m c_out + 2 c_out."""
        stage, m = self.space.frame.stages[self.stage], self.middle
        s = hidden_width(m)
        excite = 2 * m * s + s + m if stage.squeeze_excite else 0
        return self.in_channels * m + 2 * m + self.kernel**2 * m + 2 * m + excite + (m + 2) * stage.width

    def macs(self, resolution: int) -> int:
        stage, m = self.space.frame.stages[self.stage], self.middle
        size = _strided(resolution, self.space.frame.stem_stride)
        for earlier in self.space.frame.stages[: self.stage]:
            size = _strided(size, earlier.stride)
        out = _strided(size, stage.stride)
        before = out if self.index else size
        excite = 2 * m * hidden_width(m) if stage.squeeze_excite else 0
        return before**2 * self.in_channels * m + out**2 * m * (self.kernel**2 + stage.width) + excite


def _strided(size: int, stride: int) -> int:
    """Return the output size of a padded convolution with an odd kernel."""
    return math.ceil(size / stride)


def _table(space: Space, outside: Callable[[int], float], inside: Callable[[_Block, int], float]) -> CostTable:
    blocks = [
        [
            [
                [inside(_Block(space, stage, index, expand, kernel), resolution) for resolution in space.resolutions]
                for kernel in space.kernels
            ]
            for expand in space.expands
        ]
        for stage, index in space.slots
    ]
    return CostTable(
        space, np.array([outside(resolution) for resolution in space.resolutions], float), np.array(blocks, float)
    )
