"""Predicting a sub-network's accuracy from what it is (Cai et al., 2020, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor, nn

from palmette_plugins.engines.elastic.populations import Floats, Genes, features
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.engines.seeding import seeded_draws, seeded_generator

WIDTH = 400
_STEPS = 300
_BATCH = 128
_HELD_OUT = 0.2  # share of the samples that say how good the predictor is


class AccuracyPredictor(nn.Module):
    """A perceptron with three hidden layers of 400 on one-hot features (see `populations.features`)."""

    def __init__(self, length: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in (length, WIDTH, WIDTH):
            layers += [nn.Linear(size, WIDTH), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(WIDTH, 1))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, features_NF: Tensor) -> Tensor:
        """Return the predicted accuracies (N,) in [0, 1]."""
        accuracies: Tensor = self.layers(features_NF).squeeze(1) * self.scale + self.mean
        return accuracies

    @torch.inference_mode()
    def predict(self, space: Space, genes: Genes) -> Floats:
        """Return the predicted accuracy of each row of genes, (N,)."""
        return self(torch.from_numpy(features(space, genes))).double().numpy()


@dataclass(frozen=True)
class PredictorQuality:
    """How well held-out samples were predicted by a predictor that had not seen them.

    Attributes:
        rmse: Root of the mean squared error of accuracies in [0, 1].
        kendall: Kendall's rank correlation.
        predicted: Their predictions.
        measured: Their accuracies.
    """

    rmse: float
    kendall: float
    predicted: Floats
    measured: Floats


def fit_predictor(
    space: Space, genes: Genes, accuracies: Floats, seed: int
) -> tuple[AccuracyPredictor, PredictorQuality]:
    """Return a predictor fitted to all samples, and how good one fitted to four fifths is on the last fifth.

    Args:
        space: Whose genes.
        genes: The samples, (N, G).
        accuracies: Theirs, (N,), in [0, 1].
        seed: Seed of weights and orders.
    """
    held = max(1, round(_HELD_OUT * len(genes)))
    trial = _fitted(space, genes[:-held], accuracies[:-held], seed)
    predicted = trial.predict(space, genes[-held:])
    measured = accuracies[-held:]
    # Equal values have no order; then there is no rank to get right.
    kendall = kendalltau(predicted, measured).statistic if np.ptp(measured) and np.ptp(predicted) else 0.0
    quality = PredictorQuality(
        float(np.sqrt(np.mean((predicted - measured) ** 2))), float(kendall), predicted, measured
    )
    return _fitted(space, genes, accuracies, seed), quality


def _fitted(space: Space, genes: Genes, accuracies: Floats, seed: int) -> AccuracyPredictor:
    inputs = torch.from_numpy(features(space, genes))
    targets = torch.from_numpy(accuracies).float()
    with seeded_draws(seed, "accuracy predictor"):
        predictor = AccuracyPredictor(inputs.shape[1])
    predictor.mean.copy_(targets.mean())
    predictor.scale.copy_(targets.std(correction=0).clamp_min(1e-4))
    generator = seeded_generator(seed, "accuracy predictor/batches")
    optimizer = torch.optim.AdamW(predictor.parameters(), lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        rows = torch.randint(len(inputs), (min(_BATCH, len(inputs)),), generator=generator)
        error = (predictor(inputs[rows]) - targets[rows]) / predictor.scale
        optimizer.zero_grad(set_to_none=True)
        error.square().mean().backward()
        optimizer.step()
        schedule.step()
    return predictor.eval().requires_grad_(False)
