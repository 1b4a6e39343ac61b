"""A supernet's space as genes of the multi-objective search."""

from __future__ import annotations

from palmette_plugins.engines.elastic.space import Gene as ElasticGene
from palmette_plugins.engines.elastic.space import GeneKind, Space
from palmette_plugins.engines.multi_objective.genes import Condition, Gene, GeneSpace


def gene_space(space: Space) -> GeneSpace:
    """Return the genes of `space`, in its order; a block's genes matter where its stage is deep enough."""
    depths = {gene.stage: gene.name for gene in space.genes if gene.kind is GeneKind.DEPTH}
    return GeneSpace(Gene(gene.name, gene.values, _condition(gene, depths)) for gene in space.genes)


def _condition(gene: ElasticGene, depths: dict[int, str]) -> Condition | None:
    if gene.block < 0 or gene.stage not in depths:
        return None
    return Condition(depths[gene.stage], gene.block + 1)
