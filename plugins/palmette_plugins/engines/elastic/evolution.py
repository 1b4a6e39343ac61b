"""Evolution under constraints (Cai et al., 2020, section 3.3; Real et al., 2019): the best of many generations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palmette_plugins.engines.elastic.populations import Floats, Genes, random_genes
from palmette_plugins.engines.elastic.space import GeneKind, Space

Score = Callable[[Genes], Floats]
Feasible = Callable[[Genes], NDArray[np.bool_]]

_ROUNDS = 100  # redraws of children that break a limit


@dataclass(frozen=True)
class Evolution:
    """How to search.

    Attributes:
        population: Sub-networks of a generation.
        generations: How many generations.
        kept: Share of the best that live on and have children.
        mutation: Probability that a gene is drawn anew.
        resolution_mutation: The same for the resolution.
    """

    population: int = 100
    generations: int = 500
    kept: float = 0.25
    mutation: float = 0.1
    resolution_mutation: float = 0.5


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        genes: The best sub-network, (G,).
        score: Its score.
        history: Best score after each generation, the first population's first.
    """

    genes: Genes
    score: float
    history: list[float]


def evolve(
    space: Space,
    score: Score,
    feasible: Feasible,
    start: Genes,
    generator: np.random.Generator,
    settings: Evolution | None = None,
    on_generation: Callable[[int], None] | None = None,
) -> Found:
    """Return the sub-network with the highest score among those that are feasible.

    Args:
        space: Whose genes.
        score: Scores rows of genes; higher is better.
        feasible: Says which rows keep all limits.
        start: Genes (G,) of a feasible sub-network, towards which the first population is pulled until it is feasible.
        generator: Source of all draws.
        settings: Sizes and probabilities; the paper's when None.
        on_generation: Called with each generation's number, from 0.
    """
    settings = settings or Evolution()
    breeder = _Breeder(space, feasible, generator, settings)
    rows = breeder.first(start)
    scores = score(rows)
    parents = max(2, round(settings.kept * settings.population))
    history = [float(scores.max())]
    for generation in range(settings.generations):
        if on_generation is not None:
            on_generation(generation)
        best = np.argsort(-scores, kind="stable")[:parents]
        children = breeder.children(rows[best], settings.population - parents)
        rows = np.concatenate([rows[best], children])
        scores = np.concatenate([scores[best], score(children)])
        history.append(float(scores.max()))
    winner = int(np.argmax(scores))
    return Found(rows[winner], float(scores[winner]), history)


class _Breeder:
    """Makes feasible sub-networks."""

    def __init__(self, space: Space, feasible: Feasible, generator: np.random.Generator, settings: Evolution) -> None:
        self._space, self._feasible, self._generator = space, feasible, generator
        self._population = settings.population
        self._rates = np.array(
            [
                settings.resolution_mutation if gene.kind is GeneKind.RESOLUTION else settings.mutation
                for gene in space.genes
            ]
        )

    def first(self, start: Genes) -> Genes:
        """Return the first population: uniform draws; where they break a limit, ever more genes of `start`."""
        rows = random_genes(self._space, self._population, self._generator)
        for share in np.linspace(0, 1, 21):
            wrong = ~self._feasible(rows)
            if not wrong.any():
                break
            drawn = random_genes(self._space, int(wrong.sum()), self._generator)
            pulled = self._generator.random(drawn.shape) < share
            rows[wrong] = np.where(pulled, start, drawn)
        return rows

    def children(self, parents: Genes, count: int) -> Genes:
        """Return children, one half mutated, one half crossed; those that break a limit are drawn anew."""
        mutated = np.arange(count) < count // 2
        rows = parents[self._generator.integers(len(parents), size=count)]
        wrong = np.ones(count, dtype=bool)
        for _ in range(_ROUNDS):
            drawn = np.where(mutated[wrong, None], self._mutated(parents, wrong), self._crossed(parents, wrong))
            kept = self._feasible(drawn)
            rows[np.flatnonzero(wrong)[kept]] = drawn[kept]
            wrong[np.flatnonzero(wrong)[kept]] = False
            if not wrong.any():
                break
        return rows  # one that never kept the limits stays the parent that it started as

    def _mutated(self, parents: Genes, wanted: NDArray[np.bool_]) -> Genes:
        chosen = parents[self._generator.integers(len(parents), size=int(wanted.sum()))]
        fresh = random_genes(self._space, len(chosen), self._generator)
        return np.where(self._generator.random(chosen.shape) < self._rates, fresh, chosen)

    def _crossed(self, parents: Genes, wanted: NDArray[np.bool_]) -> Genes:
        pairs = self._generator.integers(len(parents), size=(2, int(wanted.sum())))
        first, second = parents[pairs[0]], parents[pairs[1]]
        return np.where(self._generator.random(first.shape) < 0.5, first, second)
