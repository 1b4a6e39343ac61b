"""Predictors: the scale of labels, the better of two regressors, and quality out of sample."""

import numpy as np
import pytest

from palmette_plugins.engines.multi_objective import predictors
from palmette_plugins.engines.multi_objective.genes import Features
from palmette_plugins.engines.multi_objective.predictors import Predictor, label_scale, prediction_quality

from .simulated import SPACE, measure


@pytest.mark.parametrize(
    ("largest", "scale"), [(76.4, 1.0), (566_170_656, 1e7), (0.85, 0.01), (-0.85, 0.01), (0.0, 1.0), (100.0, 10.0)]
)
def test_labels_are_divided_by_the_scale_of_the_card(largest, scale):
    assert label_scale(np.array([0.0, largest, largest / 2])) == pytest.approx(scale)


def test_the_grids_are_those_of_the_released_system():
    assert (predictors.RIDGE_ALPHAS[0], predictors.RIDGE_ALPHAS[-1], len(predictors.RIDGE_ALPHAS)) == (0.1, 10.0, 100)
    assert np.diff(predictors.RIDGE_ALPHAS) == pytest.approx(0.1)
    assert predictors.SVR_COSTS.tolist() == list(range(1, 101))


@pytest.mark.parametrize("name", ["macs", "accuracy"])
@pytest.mark.usefixtures("few_hyper_parameters")
def test_a_predictor_orders_networks_that_it_has_not_seen(name):
    genes = SPACE.draw(120, np.random.default_rng(0))
    values = np.array([measure(key)[name] for key in SPACE.keys(genes)])

    predictor = Predictor(SPACE, Features.ACTIVE).fit(genes[:80], values[:80])
    quality = prediction_quality(predictor.predict(genes[80:]), values[80:])

    assert predictor.kind in ("ridge", "svr")
    assert quality.spearman > 0.9
    assert quality.mape < 15


@pytest.mark.usefixtures("few_hyper_parameters")
def test_the_regressor_with_the_better_cross_validated_score_is_kept(monkeypatch):
    genes = SPACE.draw(40, np.random.default_rng(0))
    values = genes.sum(axis=1) + 10.0
    monkeypatch.setattr(predictors, "SVR_COSTS", np.array([1e-6]))
    assert Predictor(SPACE, Features.ONEHOT).fit(genes, values).kind == "ridge"
    monkeypatch.setattr(predictors, "SVR_COSTS", np.array([1e6]))
    monkeypatch.setattr(predictors, "RIDGE_ALPHAS", np.array([1e6]))
    assert Predictor(SPACE, Features.ONEHOT).fit(genes, values).kind == "svr"


@pytest.mark.usefixtures("few_hyper_parameters")
def test_equal_networks_have_equal_predictions():
    genes = SPACE.draw(30, np.random.default_rng(0))
    values = np.array([measure(key)["macs"] for key in SPACE.keys(genes)])
    predictor = Predictor(SPACE, Features.ACTIVE).fit(genes, values)

    assert np.array_equal(predictor.predict(genes), predictor.predict(SPACE.canonical(genes)))


def test_quality_of_predictions():
    quality = prediction_quality(np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 5.0]))

    assert quality.mape == pytest.approx(100 * (0.5 + 0 + 0.2) / 3)
    assert quality.rmse == pytest.approx((2 / 3) ** 0.5)
    assert prediction_quality(np.array([1.0, 2.0]), np.array([3.0, 5.0])).kendall == pytest.approx(1.0)
    assert np.isnan(prediction_quality(np.array([1.0, 1.0]), np.array([3.0, 5.0])).spearman)
