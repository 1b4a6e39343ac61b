"""Evolutionary algorithms on integer genes: pymoo's, with the operators and settings of the released system."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from pymoo.core.algorithm import Algorithm
from pymoo.core.duplicate import DefaultDuplicateElimination
from pymoo.core.problem import Problem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.util.ref_dirs import get_reference_directions

from palmette_plugins.engines.multi_objective.genes import Genes, GeneSpace
from palmette_plugins.engines.multi_objective.objectives import Floats

DIRECTIONS = 20  # reference directions of the algorithms that need them
_EDGE = 0.5 - 1e-6  # genes are real numbers inside an algorithm; each answer owns an interval of length one


class EvolutionaryAlgorithm(StrEnum):
    """Which algorithm; auto is the default for the number of objectives."""

    AUTO = "auto"
    GA = "ga"
    CMA_ES = "cma-es"
    NSGA2 = "nsga2"
    AGE_MOEA = "age-moea"
    UNSGA3 = "unsga3"
    CTAEA = "ctaea"
    MOEAD = "moead"


ALGORITHMS: dict[int, tuple[EvolutionaryAlgorithm, ...]] = {
    1: (EvolutionaryAlgorithm.GA, EvolutionaryAlgorithm.CMA_ES),
    2: (EvolutionaryAlgorithm.NSGA2, EvolutionaryAlgorithm.AGE_MOEA),
    3: (EvolutionaryAlgorithm.UNSGA3, EvolutionaryAlgorithm.CTAEA, EvolutionaryAlgorithm.MOEAD),
}
# pymoo's own limits: these treat every point as feasible, or refuse constraints.
WITHOUT_LIMITS = (EvolutionaryAlgorithm.MOEAD,)

# (genes (N, G)) -> losses (N, objectives), excesses over limits (N, bounds)
Losses = Callable[[Genes], tuple[Floats, Floats]]


class GeneProblem(Problem):  # type: ignore[misc]  # pymoo is untyped
    """Genes as a pymoo problem; a whole generation is evaluated in one call."""

    def __init__(self, space: GeneSpace, objectives: int, bounds: int, evaluate: Losses | None = None) -> None:
        high = space.sizes.astype(np.float64) - 1 + _EDGE
        super().__init__(
            n_var=len(space.sizes), n_obj=objectives, n_ieq_constr=bounds, xl=np.full(len(high), -_EDGE), xu=high
        )
        self._space = space
        self._losses = evaluate

    def _evaluate(self, x: Floats, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        assert self._losses is not None
        out["F"], excesses = self._losses(whole_genes(self._space, x))
        if self.n_ieq_constr:
            out["G"] = excesses


def whole_genes(space: GeneSpace, x: Floats) -> Genes:
    """Return an algorithm's real numbers as genes."""
    return np.clip(np.around(np.asarray(x, dtype=np.float64)).astype(np.int64), 0, space.sizes - 1)


def make_algorithm(
    kind: EvolutionaryAlgorithm, space: GeneSpace, objectives: int, population: int, start: Genes
) -> Algorithm:
    """Return an algorithm whose first population is `start`, (population, G)."""
    chosen = ALGORITHMS[objectives][0] if kind is EvolutionaryAlgorithm.AUTO else kind
    if chosen is EvolutionaryAlgorithm.CMA_ES:
        from pymoo.algorithms.soo.nonconvex.cmaes import CMAES

        return CMAES(x0=start[0].astype(np.float64), sigma=0.3, pop_size=population, parallelize=True)
    common = {"sampling": start.astype(np.float64), "mutation": _mutation(), "crossover": _crossover(0.9, 15)}
    distinct = DefaultDuplicateElimination(func=lambda found: space.canonical(whole_genes(space, found.get("X"))))
    settings = {**common, "pop_size": population, "eliminate_duplicates": distinct}
    return _multi_objective(chosen, objectives, settings)


def _multi_objective(kind: EvolutionaryAlgorithm, objectives: int, settings: dict[str, Any]) -> Algorithm:
    """Return one of the algorithms with crossover and mutation; imported here, because some take seconds to import."""
    if kind is EvolutionaryAlgorithm.GA:
        from pymoo.algorithms.soo.nonconvex.ga import GA

        return GA(**settings)
    if kind is EvolutionaryAlgorithm.NSGA2:
        from pymoo.algorithms.moo.nsga2 import NSGA2

        return NSGA2(**settings)
    if kind is EvolutionaryAlgorithm.AGE_MOEA:
        from pymoo.algorithms.moo.age import AGEMOEA

        return AGEMOEA(**settings)
    if kind is EvolutionaryAlgorithm.UNSGA3:
        from pymoo.algorithms.moo.unsga3 import UNSGA3

        return UNSGA3(_directions(objectives, DIRECTIONS), **{**settings, "crossover": _crossover(1.0, 30)})
    # Their populations are as large as the number of directions.
    directions = _directions(objectives, settings.pop("pop_size"))
    if kind is EvolutionaryAlgorithm.CTAEA:
        from pymoo.algorithms.moo.ctaea import CTAEA

        return CTAEA(directions, **settings)
    from pymoo.algorithms.moo.moead import ParallelMOEAD

    settings.pop("eliminate_duplicates")
    return ParallelMOEAD(directions, **settings)


@cache
def _directions(objectives: int, count: int) -> Floats:
    """Return energy-based reference directions, (count, objectives); they take seconds to spread."""
    directions: Floats = get_reference_directions("energy", objectives, count, seed=1)
    return directions


def _crossover(probability: float, eta: float) -> SBX:
    return SBX(prob=probability, eta=eta, vtype=float, repair=RoundingRepair())


def _mutation() -> PM:
    """Polynomial mutation of each gene with probability 0.02 (pymoo's `prob` is that of an individual)."""
    return PM(prob=1.0, prob_var=0.02, eta=20, vtype=float, repair=RoundingRepair())
