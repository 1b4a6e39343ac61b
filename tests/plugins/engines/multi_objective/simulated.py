"""A space whose networks are measured by arithmetic: three stages of two to four blocks."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from palmette_plugins.api import JobContext
from palmette_plugins.engines.multi_objective.algorithms import EvolutionaryAlgorithm
from palmette_plugins.engines.multi_objective.evaluator import Evaluator
from palmette_plugins.engines.multi_objective.genes import Condition, Features, Gene, GeneSpace, Key
from palmette_plugins.engines.multi_objective.objectives import Limit, Objective
from palmette_plugins.engines.multi_objective.plan import Plan


def stage_genes(stages: int, depths: tuple[int, ...], blocks: int, **questions: tuple[int, ...]) -> Iterable[Gene]:
    """Depths of all stages, then the questions about every block."""
    for stage in range(stages):
        yield Gene(f"depth/{stage}", depths)
    for stage in range(stages):
        for block in range(blocks):
            for name, values in questions.items():
                yield Gene(f"{name}/{stage}.{block}", values, Condition(f"depth/{stage}", block + 1))


SPACE = GeneSpace(stage_genes(3, (2, 3, 4), 4, expand=(3, 4, 6), kernel=(3, 5, 7)))
_WORTH = np.random.default_rng(7).random((3, 4))


def measure(key: Key) -> dict[str, float]:
    """Deeper, wider and larger is better and dearer; blocks differ in what they are worth."""
    answers = SPACE.decode(key)
    gain = macs = params = 0.0
    for stage in range(3):
        for block in range(answers[f"depth/{stage}"]):
            expand, kernel = answers[f"expand/{stage}.{block}"], answers[f"kernel/{stage}.{block}"]
            gain += _WORTH[stage, block] * (1 + 0.5 * math.log(expand) + 0.3 * math.log(kernel))
            macs += expand * (kernel**2 + 32) * (3 - stage)
            params += expand * (kernel**2 + 32) * (stage + 1)
    return {"accuracy": 1 - math.exp(-gain / 4), "macs": macs, "params": params}


LARGEST = measure(tuple(int(size) - 1 for size in SPACE.sizes))
ACCURACY = Objective("accuracy", True, 0.0)
MACS = Objective("macs", False, LARGEST["macs"])
PARAMS = Objective("params", False, LARGEST["params"])


class Counting:
    """Measures, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Key] = []

    def __call__(self, key: Key) -> dict[str, float]:
        self.asked.append(key)
        return measure(key)


def make_plan(
    *,
    objectives: tuple[Objective, ...] = (ACCURACY, MACS),
    limits: tuple[Limit, ...] = (),
    population: int = 10,
    algorithm: EvolutionaryAlgorithm = EvolutionaryAlgorithm.AUTO,
    seed: int = 0,
    inner_evaluations: int = 400,
) -> Plan:
    """A plan on the simulated space."""
    return Plan(SPACE, objectives, limits, population, algorithm, inner_evaluations, Features.ACTIVE, seed)


def evaluator_of(job: JobContext, budget: int) -> tuple[Evaluator, Counting]:
    """An evaluator on the simulated space, and what measures for it."""
    counting = Counting()
    return Evaluator(job, SPACE, counting, budget), counting
