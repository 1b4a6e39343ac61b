"""Predictors that train in milliseconds."""

import numpy as np
import pytest

from palmette_plugins.engines.multi_objective import predictors


@pytest.fixture
def few_hyper_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search a small part of the predictors' grids."""
    monkeypatch.setattr(predictors, "RIDGE_ALPHAS", np.array([0.1, 1.0, 10.0]))
    monkeypatch.setattr(predictors, "SVR_COSTS", np.array([1.0, 10.0, 100.0]))
