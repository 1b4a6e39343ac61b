"""The plan of a search: what stays the same while tactics propose networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from palmette_plugins.engines.multi_objective.algorithms import EvolutionaryAlgorithm
from palmette_plugins.engines.multi_objective.archive import Archive
from palmette_plugins.engines.multi_objective.fronts import ranked
from palmette_plugins.engines.multi_objective.genes import Features, Genes, GeneSpace
from palmette_plugins.engines.multi_objective.objectives import Floats, Limit, Objective, losses
from palmette_plugins.engines.seeding import derive_seed


class Tactic(StrEnum):
    """How networks are proposed."""

    CONCURRENT = "concurrent"
    EVOLUTIONARY = "evolutionary"
    WARM_START = "warm_start"
    RANDOM = "random"


@dataclass(frozen=True)
class Plan:
    """What stays the same during one search.

    Attributes:
        space: The encoding.
        objectives: One to three.
        limits: Bounds that results must meet.
        population: P.
        algorithm: The evolutionary algorithm.
        inner_evaluations: Predicted evaluations per round of the concurrent tactic.
        features: What predictors see.
        seed: Of every draw.
    """

    space: GeneSpace
    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...]
    population: int
    algorithm: EvolutionaryAlgorithm
    inner_evaluations: int
    features: Features
    seed: int

    @property
    def predicted(self) -> tuple[str, ...]:
        """The measurements that predictors are needed for: objectives, and what is limited."""
        names = [objective.name for objective in self.objectives] + [limit.name for limit in self.limits]
        return tuple(dict.fromkeys(names))

    def random(self) -> np.random.Generator:
        """Return the stream that random networks come from; every tactic draws the same ones first."""
        return np.random.default_rng(derive_seed(self.seed, "random networks"))

    def algorithm_seed(self, purpose: str) -> int:
        """Return a seed for pymoo, which takes 32 bits."""
        return derive_seed(self.seed, purpose) % 2**32


def excesses(values: Mapping[str, Floats], limits: Sequence[Limit]) -> Floats:
    """Return by how much every bound is broken, (N, bounds)."""
    return np.stack([excess for limit in limits for excess in limit.excess(values[limit.name])], axis=1)


def best_of(archive: Archive, objectives: Sequence[Objective], count: int) -> Genes:
    """Return the genes of the best entries: better fronts first, lonelier ones first within a front."""
    order = ranked(losses(archive.rows, objectives))
    return archive.genes[order[:count]]
