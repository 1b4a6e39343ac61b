"""Many sub-networks at once: matrices of genes, one row each (int64)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from palmette_plugins.engines.elastic.space import Choice, GeneKind, Space

Genes = NDArray[np.int64]  # (N, G)
Floats = NDArray[np.float64]


def gene_sizes(space: Space) -> Genes:
    """Return how many answers each gene has, (G,)."""
    return np.array([len(gene.values) for gene in space.genes], dtype=np.int64)


def random_genes(space: Space, count: int, generator: np.random.Generator) -> Genes:
    """Draw (count, G) genes, each uniform over its answers. Row i does not depend on `count`."""
    uniform = generator.random((count, len(space.genes)))
    return np.minimum((uniform * gene_sizes(space)).astype(np.int64), gene_sizes(space) - 1)


def choices(space: Space, genes: Genes) -> list[Choice]:
    """Return the sub-networks of the rows."""
    return [space.decode(row) for row in genes]


def canonical(space: Space, genes: Genes) -> Genes:
    """Return the rows with 0 for all genes of skipped blocks: equal rows are equal networks."""
    return np.where(active_genes(space, genes), genes, 0)


def active_genes(space: Space, genes: Genes) -> NDArray[np.bool_]:
    """Return (N, G): whether a gene plays a part in its row's sub-network."""
    depths = stage_depths(space, genes)
    columns = [
        np.ones(len(genes), dtype=bool) if gene.block < 0 else depths[:, gene.stage] > gene.block
        for gene in space.genes
    ]
    return np.stack(columns, axis=1) if columns else np.ones((len(genes), 0), dtype=bool)


def stage_depths(space: Space, genes: Genes) -> Genes:
    """Return the number of blocks of every stage, (N, stages)."""
    least = [space.stage_depths(stage)[0] for stage in range(len(space.frame.stages))]
    depths = np.tile(np.array(least, dtype=np.int64), (len(genes), 1))
    for column, gene in enumerate(space.genes):
        if gene.kind is GeneKind.DEPTH:
            depths[:, gene.stage] = np.asarray(gene.values)[genes[:, column]]
    return depths


def slot_answers(space: Space, genes: Genes, kind: GeneKind) -> Genes:
    """Return the index of every slot's expand ratio or kernel, (N, slots); also of skipped ones."""
    answers = np.zeros((len(genes), len(space.slots)), dtype=np.int64)
    for slot, column in _columns(space, kind):
        answers[:, slot] = genes[:, column]
    return answers


def resolution_answers(space: Space, genes: Genes) -> Genes:
    """Return the index of every row's resolution, (N,)."""
    if len(space.resolutions) == 1:
        return np.zeros(len(genes), dtype=np.int64)
    return genes[:, -1]


def active_slots(space: Space, genes: Genes) -> NDArray[np.bool_]:
    """Return which slots a sub-network has, (N, slots)."""
    stages, blocks = np.array(space.slots).T
    return stage_depths(space, genes)[:, stages] > blocks


def features(space: Space, genes: Genes) -> NDArray[np.float32]:
    """Return what accuracy predictors look at, (N, F): one-hot kernel and expand of each slot, one-hot resolution.

    Slots that are skipped are all zero (Cai et al., 2020, section 3.3), so equal networks have equal features.
    """
    parts = []
    present = active_slots(space, genes)[:, :, None]
    for kind, values in ((GeneKind.KERNEL, space.kernels), (GeneKind.EXPAND, space.expands)):
        hot = slot_answers(space, genes, kind)[:, :, None] == np.arange(len(values))
        parts.append((hot & present).reshape(len(genes), len(space.slots) * len(values)))
    parts.append(resolution_answers(space, genes)[:, None] == np.arange(len(space.resolutions)))
    return np.concatenate(parts, axis=1).astype(np.float32)


@lru_cache(maxsize=64)
def _columns(space: Space, kind: GeneKind) -> tuple[tuple[int, int], ...]:
    """Return (slot, column of its gene) for the genes of one kind."""
    slots = {slot: number for number, slot in enumerate(space.slots)}
    return tuple(
        (slots[gene.stage, gene.block], column) for column, gene in enumerate(space.genes) if gene.kind is kind
    )


def feature_length(space: Space) -> int:
    """Return the length F of `features`."""
    return len(space.slots) * (len(space.kernels) + len(space.expands)) + len(space.resolutions)
