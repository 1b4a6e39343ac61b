"""One round of the concurrent tactic: an evolution on predictions alone, and what it proposes to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from palmette_plugins.engines.multi_objective.algorithms import GeneProblem, make_algorithm, whole_genes
from palmette_plugins.engines.multi_objective.archive import Archive
from palmette_plugins.engines.multi_objective.fronts import ranked
from palmette_plugins.engines.multi_objective.genes import Genes
from palmette_plugins.engines.multi_objective.objectives import Floats, column
from palmette_plugins.engines.multi_objective.plan import Plan, best_of, excesses
from palmette_plugins.engines.multi_objective.predictors import PredictionQuality, Predictor, prediction_quality
from palmette_plugins.engines.seeding import derive_seed

Report = Callable[[int, str, PredictionQuality, Floats, Floats], None]  # round, name, quality, predicted, measured

_REMEMBERED = 20  # generations whose networks may replace what was measured already


class PredictedSearch:
    """Predictors trained on an archive, and the networks that an evolution finds with them.

    Attributes:
        predictors: By measurement.
    """

    def __init__(self, plan: Plan, archive: Archive, number: int, check: Callable[[], None]) -> None:
        self._plan = plan
        self._archive = archive
        self._number = number
        self._check = check
        self.predictors = {
            name: Predictor(plan.space, plan.features).fit(archive.genes, column(archive.rows, name))
            for name in plan.predicted
        }

    def predict(self, genes: Genes) -> dict[str, Floats]:
        """Return the predicted measurements of (N, G) genes, (N,) each."""
        return {name: predictor.predict(genes) for name, predictor in self.predictors.items()}

    def propose(self, count: int) -> Genes:
        """Return `count` networks that were not measured, best first.

        They are the evolution's last population; networks of it that were measured are replaced by the best of the
        generations before, and where there are none by random ones.
        """
        known = set(self._archive.keys)
        chosen: list[Genes] = []
        for generation in reversed(self._evolve()):
            for row in generation[ranked(self._predicted_losses(generation))]:
                (key,) = self._plan.space.keys(row[None])
                if key not in known and len(chosen) < count:
                    known.add(key)
                    chosen.append(row)
        generator = np.random.default_rng(derive_seed(self._plan.seed, f"fill/{self._number}"))
        more = self._plan.space.draw(count - len(chosen), generator, known)
        return np.concatenate([np.array(chosen, dtype=np.int64).reshape(len(chosen), more.shape[1]), more])

    def report(
        self,
        predictions: Mapping[str, Floats],
        measured: Sequence[Mapping[str, float]],
        report: Report,
    ) -> None:
        """Say how good the predictions were, now that the networks were measured."""
        if not measured:
            return
        for name, predicted in predictions.items():
            values = column(measured, name)
            kept = predicted[: len(values)]
            report(self._number, name, prediction_quality(kept, values), kept, values)

    def _evolve(self) -> list[Genes]:
        """Return the last generations of an evolution on the predictions, the last one last."""
        plan = self._plan
        start = best_of(self._archive, plan.objectives, plan.population)
        problem = GeneProblem(
            plan.space, len(plan.objectives), sum(limit.bounds for limit in plan.limits), self._evaluate
        )
        algorithm = make_algorithm(plan.algorithm, plan.space, len(plan.objectives), plan.population, start)
        generations = max(1, plan.inner_evaluations // plan.population)
        seed = plan.algorithm_seed(f"predicted/{self._number}")
        algorithm.setup(problem, termination=("n_gen", generations), seed=seed, verbose=False)
        seen: list[Genes] = []
        while algorithm.has_next():
            self._check()
            algorithm.next()
            seen = [*seen[-_REMEMBERED:], whole_genes(plan.space, algorithm.pop.get("X"))]
        return seen

    def _evaluate(self, genes: Genes) -> tuple[Floats, Floats]:
        """Return predicted losses and excesses of a whole generation, with one call per predictor."""
        predicted = self.predict(genes)
        found = np.stack([objective.loss(predicted[objective.name]) for objective in self._plan.objectives], axis=1)
        bounds = excesses(predicted, self._plan.limits) if self._plan.limits else np.zeros((len(genes), 0))
        return found, bounds

    def _predicted_losses(self, genes: Genes) -> Floats:
        """Return predicted losses, those of networks that break a limit made the worst."""
        found, bounds = self._evaluate(genes)
        broken = np.clip(bounds, 0, None).sum(axis=1)
        worst = np.abs(found).max(axis=0) + 1.0
        return np.where(broken[:, None] > 0, worst * (1.0 + broken[:, None]), found)
