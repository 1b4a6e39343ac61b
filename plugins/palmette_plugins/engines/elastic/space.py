"""A search space: a frame, and what may vary inside it.

A sub-network is written in two ways. A `Choice` names the blocks that it has and nothing else, so that equal networks
are equal choices. Genes are one integer per open question (`Gene`), for methods that search; those of blocks that a
sub-network skips mean nothing, and are 0 in `encode`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from palmette_plugins.architectures.mobile.frame import Frame
from palmette_plugins.architectures.mobile.network import BlockChoice


class GeneKind(StrEnum):
    """What a gene decides."""

    DEPTH = "depth"
    EXPAND = "expand"
    KERNEL = "kernel"
    RESOLUTION = "resolution"


@dataclass(frozen=True)
class Gene:
    """One open question; its value is an index into `values`, 0 for the smallest.

    Attributes:
        kind: What it decides.
        values: The answers, rising.
        stage: Number of the stage, from 0; -1 for the resolution.
        block: Number of the block in its stage, from 0; -1 where it is about a whole stage or network.
    """

    kind: GeneKind
    values: tuple[int, ...]
    stage: int = -1
    block: int = -1

    @property
    def name(self) -> str:
        """Its name in tables, such as ``kernel/2.1``: counted from 1."""
        if self.stage < 0:
            return str(self.kind)
        return f"{self.kind}/{self.stage + 1}" + (f".{self.block + 1}" if self.block >= 0 else "")


@dataclass(frozen=True)
class Choice:
    """A sub-network.

    Attributes:
        blocks: The blocks of each stage, as many as it has.
        resolution: Side of its images in pixels.
    """

    blocks: tuple[tuple[BlockChoice, ...], ...]
    resolution: int

    @property
    def depths(self) -> tuple[int, ...]:
        """Number of blocks of each stage."""
        return tuple(len(stage) for stage in self.blocks)


@dataclass(frozen=True)
class Space:
    """All sub-networks of one supernet; the values of each dimension rise.

    Attributes:
        frame: What they share.
        depths: Numbers of blocks that a stage may have.
        expands: Expand ratios that a block may have.
        kernels: Kernel sizes that a block may have.
        resolutions: Sides of images in pixels.
    """

    frame: Frame
    depths: tuple[int, ...]
    expands: tuple[int, ...]
    kernels: tuple[int, ...]
    resolutions: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("depths", "expands", "kernels", "resolutions"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} must be different numbers in rising order, at least one, got {values}")
        if min(self.depths) < 1:
            raise ValueError(f"depths must be at least 1, got {self.depths}")
        if min(self.expands) < 2:
            raise ValueError(f"expands must be at least 2, got {self.expands}")
        if any(kernel % 2 == 0 or kernel < 3 for kernel in self.kernels):
            raise ValueError(f"kernels must be odd and at least 3, got {self.kernels}")
        if min(self.resolutions) < self.frame.reduction:
            raise ValueError(
                f"resolution {min(self.resolutions)} is too small for strides that divide by {self.frame.reduction}"
            )

    def stage_depths(self, stage: int) -> tuple[int, ...]:
        """Return the numbers of blocks that this stage may have."""
        fixed = self.frame.stages[stage].fixed_depth
        return self.depths if fixed is None else (fixed,)

    @cached_property
    def slots(self) -> tuple[tuple[int, int], ...]:
        """(stage, block) of every block that a sub-network can have, in order."""
        stages = range(len(self.frame.stages))
        return tuple((stage, block) for stage in stages for block in range(max(self.stage_depths(stage))))

    @cached_property
    def genes(self) -> tuple[Gene, ...]:
        """Every question with more than one answer: depths, then expand and kernel of each slot, then resolution."""
        stages = range(len(self.frame.stages))
        asked = [Gene(GeneKind.DEPTH, self.stage_depths(stage), stage) for stage in stages]
        for stage, block in self.slots:
            asked.append(Gene(GeneKind.EXPAND, self.expands, stage, block))
            asked.append(Gene(GeneKind.KERNEL, self.kernels, stage, block))
        asked.append(Gene(GeneKind.RESOLUTION, self.resolutions))
        return tuple(gene for gene in asked if len(gene.values) > 1)

    @property
    def subnetworks(self) -> int:
        """Number of different sub-networks at one resolution."""
        options = len(self.expands) * len(self.kernels)
        stages = range(len(self.frame.stages))
        return math.prod(sum(options**depth for depth in self.stage_depths(stage)) for stage in stages)

    @property
    def largest(self) -> Choice:
        """The sub-network with the most of everything."""
        return self.uniform(max(self.depths), max(self.expands), max(self.kernels), max(self.resolutions))

    @property
    def smallest(self) -> Choice:
        """The sub-network with the least of everything."""
        return self.uniform(min(self.depths), min(self.expands), min(self.kernels), min(self.resolutions))

    def uniform(self, depth: int, expand: int, kernel: int, resolution: int | None = None) -> Choice:
        """Return the sub-network whose stages and blocks are all alike; at the largest resolution with None."""
        stages = range(len(self.frame.stages))
        depths = [
            depth if self.frame.stages[stage].fixed_depth is None else self.stage_depths(stage)[0] for stage in stages
        ]
        block = BlockChoice(expand, kernel)
        return Choice(tuple((block,) * count for count in depths), resolution or max(self.resolutions))

    def contains(self, choice: Choice) -> bool:
        """Tell whether a sub-network is of this space."""
        return (
            len(choice.blocks) == len(self.frame.stages)
            and all(depth in self.stage_depths(stage) for stage, depth in enumerate(choice.depths))
            and all(b.expand in self.expands and b.kernel in self.kernels for stage in choice.blocks for b in stage)
            and choice.resolution in self.resolutions
        )

    def decode(self, genes: Sequence[int]) -> Choice:
        """Return the sub-network of one integer per gene, each an index into that gene's `values`."""
        value = {(g.kind, g.stage, g.block): g.values[int(i)] for g, i in zip(self.genes, genes, strict=True)}

        def block(stage: int, index: int) -> BlockChoice:
            return BlockChoice(
                value.get((GeneKind.EXPAND, stage, index), self.expands[0]),
                value.get((GeneKind.KERNEL, stage, index), self.kernels[0]),
            )

        depths = [
            value.get((GeneKind.DEPTH, stage, -1), self.stage_depths(stage)[0])
            for stage in range(len(self.frame.stages))
        ]
        blocks = tuple(tuple(block(stage, index) for index in range(depth)) for stage, depth in enumerate(depths))
        return Choice(blocks, value.get((GeneKind.RESOLUTION, -1, -1), self.resolutions[0]))

    def encode(self, choice: Choice) -> tuple[int, ...]:
        """Return the genes of a sub-network; those of skipped blocks are 0. ``decode(encode(c)) == c``."""
        return tuple(self._answer(gene, choice) for gene in self.genes)

    def narrowed(
        self,
        *,
        depths: tuple[int, ...] | None = None,
        expands: tuple[int, ...] | None = None,
        kernels: tuple[int, ...] | None = None,
    ) -> Space:
        """Return the space of the sub-networks that use these values only."""
        return replace(
            self,
            depths=depths or self.depths,
            expands=expands or self.expands,
            kernels=kernels or self.kernels,
        )

    def _answer(self, gene: Gene, choice: Choice) -> int:
        if gene.kind is GeneKind.RESOLUTION:
            return gene.values.index(choice.resolution)
        blocks = choice.blocks[gene.stage]
        if gene.kind is GeneKind.DEPTH:
            return gene.values.index(len(blocks))
        if gene.block >= len(blocks):
            return 0
        block = blocks[gene.block]
        return gene.values.index(block.expand if gene.kind is GeneKind.EXPAND else block.kernel)
