"""Predictors of measurements: ridge or support vectors on one-hot genes, whichever cross-validates better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_percentage_error
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVR

from palmette_plugins.engines.multi_objective.genes import Features, Genes, GeneSpace
from palmette_plugins.engines.multi_objective.objectives import Floats

FOLDS = 5
RIDGE_ALPHAS = np.arange(1, 101) / 10  # 0.1 .. 10
SVR_COSTS = np.arange(1, 101, dtype=np.float64)  # 1 .. 100
_SCORE = "neg_mean_absolute_percentage_error"


def label_scale(values: Floats) -> float:
    """Return 10^(floor(log10(max |y|)) - 1), by which labels are divided; 1 where all are 0."""
    largest = float(np.abs(values).max(initial=0.0))
    return 10.0 ** (math.floor(math.log10(largest)) - 1) if largest else 1.0


class Predictor:
    """Predicts one measurement from genes, after `fit`.

    Attributes:
        kind: ``ridge`` or ``svr``.
        error: Its cross-validated mean absolute percentage error, as a share.
    """

    def __init__(self, space: GeneSpace, features: Features) -> None:
        self._space = space
        self._features = features
        self._model: Any = None
        self._scale = 1.0
        self.kind = ""
        self.error = math.nan

    def fit(self, genes: Genes, values: Floats) -> Predictor:
        """Train from scratch on all measurements so far: genes (N, G) with N >= 5, values (N,)."""
        x, self._scale = self._space.features(genes, self._features), label_scale(values)
        y = values / self._scale
        searches = {
            "ridge": GridSearchCV(Ridge(), {"alpha": RIDGE_ALPHAS}, scoring=_SCORE, cv=FOLDS),
            "svr": GridSearchCV(SVR(epsilon=0.0, gamma=1.0 / x.shape[1]), {"C": SVR_COSTS}, scoring=_SCORE, cv=FOLDS),
        }
        for search in searches.values():
            search.fit(x, y)
        self.kind = max(searches, key=lambda name: searches[name].best_score_)
        self._model = searches[self.kind].best_estimator_
        self.error = -float(searches[self.kind].best_score_)
        return self

    def predict(self, genes: Genes) -> Floats:
        """Return the predictions, (N,), in one call for all rows."""
        predicted: Floats = self._model.predict(self._space.features(genes, self._features))
        return predicted * self._scale


@dataclass(frozen=True)
class PredictionQuality:
    """How good predictions were on networks that were measured afterwards.

    Attributes:
        mape: Mean absolute percentage error, in percent.
        rmse: Root mean squared error, in the measurement's unit.
        kendall: Kendall's rank correlation; NaN where one of the two never varies.
        spearman: Spearman's; NaN likewise.
    """

    mape: float
    rmse: float
    kendall: float
    spearman: float


def prediction_quality(predicted: Floats, measured: Floats) -> PredictionQuality:
    """Compare predictions (N,) with the measurements that came later (N,)."""
    varies = len(set(predicted.tolist())) > 1 and len(set(measured.tolist())) > 1
    return PredictionQuality(
        mape=100.0 * float(mean_absolute_percentage_error(measured, predicted)),
        rmse=float(np.sqrt(np.mean((predicted - measured) ** 2))),
        kendall=float(stats.kendalltau(predicted, measured).statistic) if varies else math.nan,
        spearman=float(stats.spearmanr(predicted, measured).statistic) if varies else math.nan,
    )
