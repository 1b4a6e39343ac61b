"""Tactics: which networks are worth a real measurement."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
from pymoo.core.population import Population

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.engines.multi_objective.algorithms import GeneProblem, make_algorithm, whole_genes
from palmette_plugins.engines.multi_objective.archive import Archive
from palmette_plugins.engines.multi_objective.evaluator import Evaluator
from palmette_plugins.engines.multi_objective.genes import Genes
from palmette_plugins.engines.multi_objective.objectives import Limit, Objective, column, feasible, losses
from palmette_plugins.engines.multi_objective.plan import Plan, best_of, excesses
from palmette_plugins.engines.multi_objective.predicted_search import PredictedSearch, Report

_STALE = 30  # generations without a new network, after which random ones fill the budget


def random_search(plan: Plan, evaluator: Evaluator) -> None:
    """Measure N different random networks."""
    first = plan.space.draw(evaluator.budget, plan.random())
    evaluator.measure(first[: plan.population], 0)
    refuse_impossible_limits(plan.limits, evaluator.archive)
    for start in range(plan.population, len(first), plan.population):
        evaluator.measure(first[start : start + plan.population], start // plan.population)


def concurrent_search(plan: Plan, evaluator: Evaluator, report: Report, check: Callable[[], None]) -> None:
    """Measure P networks, learn to predict, search on the predictions, and measure what that search ends with.

    The first P are random. round(N / P) rounds; the last one takes what is left of N. `report` is told how good the
    predictions of each round were, and `check` is called in between; it raises when the job was cancelled.
    """
    rounds = max(1, round(evaluator.budget / plan.population))
    proposed = plan.space.draw(
        min(plan.population, evaluator.budget) if rounds > 1 else evaluator.budget, plan.random()
    )
    evaluator.measure(proposed, 0)
    refuse_impossible_limits(plan.limits, evaluator.archive)
    for number in range(1, rounds):
        evaluator.save()
        wanted = plan.population if number + 1 < rounds else evaluator.left
        inner = PredictedSearch(plan, evaluator.archive, number, check)
        proposed = inner.propose(min(wanted, evaluator.left))
        predictions = inner.predict(proposed)
        before = len(evaluator.archive)
        evaluator.measure(proposed, number)
        inner.report(predictions, evaluator.archive.rows[before:], report)
        if len(evaluator.archive) == before:
            return  # the space is exhausted


def evolutionary_search(plan: Plan, evaluator: Evaluator, start: Genes, logger: logging.Logger) -> None:
    """Run the evolutionary algorithm with real measurements only, from the population `start`, (P, G)."""
    evaluator.measure(start, 0)
    refuse_impossible_limits(plan.limits, evaluator.archive)
    bounds = sum(limit.bounds for limit in plan.limits)
    problem = GeneProblem(plan.space, len(plan.objectives), bounds)
    algorithm = make_algorithm(plan.algorithm, plan.space, len(plan.objectives), plan.population, start)
    algorithm.setup(problem, termination=("n_gen", np.inf), seed=plan.algorithm_seed("evolution"), verbose=False)
    generation = stale = 0
    while evaluator.left and stale < _STALE:
        offspring = algorithm.ask()
        if offspring is None or not len(offspring):
            break
        before = len(evaluator.archive)
        evaluator.measure(whole_genes(plan.space, offspring.get("X")), generation)
        stale = 0 if len(evaluator.archive) > before or generation == 0 else stale + 1
        if not _tell(plan, evaluator, offspring):
            break  # the budget ended within this generation
        algorithm.tell(infills=offspring)
        generation += 1
    if evaluator.left:
        logger.info("the algorithm found nothing new; %d random networks fill the budget", evaluator.left)
        fill = plan.space.draw(evaluator.left, plan.random(), evaluator.archive.keys)
        evaluator.measure(fill, generation)


def _tell(plan: Plan, evaluator: Evaluator, offspring: Population) -> bool:
    """Give individuals their measured losses; return whether all of them were measured."""
    found = [evaluator.of(row) for row in whole_genes(plan.space, offspring.get("X"))]
    rows = [row for row in found if row is not None]
    if len(rows) < len(found):
        return False
    offspring.set("F", losses(rows, plan.objectives))
    if plan.limits:
        offspring.set("G", excesses({name: column(rows, name) for name in rows[0]}, plan.limits))
    for individual in offspring:
        individual.evaluated |= {"F", "G"}
    return True


def first_population(plan: Plan, earlier: Archive | None, objectives: Sequence[Objective]) -> Genes:
    """Return P different networks to start an evolution with: the best of an earlier search, then random ones."""
    best = best_of(earlier, objectives, plan.population) if earlier is not None else plan.space.draw(0, plan.random())
    more = plan.space.draw(plan.population - len(best), plan.random(), plan.space.keys(best))
    return np.concatenate([best, more])


def refuse_impossible_limits(limits: Sequence[Limit], archive: Archive) -> None:
    """Raise `InvalidArgument` with the range seen for a limit that no network measured so far meets."""
    for limit in limits:
        if not feasible(archive.rows, [limit]).any():
            seen = column(archive.rows, limit.name)
            raise InvalidArgument.field(
                f"config.constraints.{limit.name}",
                f"no sampled network meets it: {limit.name} from {seen.min():.6g} to {seen.max():.6g} was seen",
            )
