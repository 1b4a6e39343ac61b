"""How good the predictions of a search were, and its pictures while it runs."""

from __future__ import annotations

import math
from typing import Any

from palmette_plugins.api import JobContext
from palmette_plugins.engines.multi_objective.charts import hypervolume_chart, predictor_chart
from palmette_plugins.engines.multi_objective.evaluator import Evaluator
from palmette_plugins.engines.multi_objective.objectives import Floats
from palmette_plugins.engines.multi_objective.predictors import PredictionQuality
from palmette_plugins.nas.search_results import SearchResults


class PredictionReport:
    """Told of every round's predictions once its networks were measured."""

    def __init__(self, job: JobContext, evaluator: Evaluator) -> None:
        self._job = job
        self._evaluator = evaluator
        self._rows: list[dict[str, Any]] = []
        self._last: dict[str, float] = {}

    def __call__(self, number: int, name: str, quality: PredictionQuality, predicted: Floats, measured: Floats) -> None:
        """Take in one round's predictions of one measurement."""
        for measure, value in vars(quality).items():
            if not math.isnan(value):
                self._job.metric(f"predictor/{name}/{measure}", value, len(self._evaluator.archive))
                self._last[f"predictor/{name}/{measure}"] = value
        self._rows += [
            {"name": name, "round": number, "predicted": float(a), "measured": float(b)}
            for a, b in zip(predicted, measured, strict=True)
        ]

    def metrics(self) -> dict[str, float]:
        """Return the quality of the last round's predictions."""
        return dict(self._last)

    def figures(self, results: SearchResults) -> None:
        """Show the front, the hypervolume curve and the predictions."""
        self._job.figure("front", results.chart())
        self._job.figure("hypervolume", hypervolume_chart(results.curve))
        if self._rows:
            self._job.figure("predictors", predictor_chart(self._rows))
