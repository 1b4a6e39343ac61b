"""Random pruning: ERK against uniform, and the gap to dense training over the width of the network."""

from __future__ import annotations

from typing import Any

from palmette_plugins.pruning_growth.dense_training import DenseTraining
from palmette_plugins.pruning_growth.random_pruning import RandomPruning

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

LEARNING_RATES = (0.05, 0.1, 0.2)
POINTS = 100.0  # accuracy in [0, 1] to percentage points


class RandomPruningClaim(Claim):
    """ResNet-20 on Fashion-MNIST."""

    slug = "random-pruning"
    duration = "about 25 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Tune one learning rate for dense and sparse training together, then compare at equal epochs."""
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        self.limit, self.epochs = (400, 1) if quick else (10_000, 5)
        self.test_limit = 200 if quick else 10_000
        self.lab = lab

        candidates = LEARNING_RATES[:2] if quick else LEARNING_RATES
        self.lr = lab.tune(candidates, self._tuning_score)
        dense = {width: [self._accuracy(width, 1.0, "erk", seed) for seed in seeds] for width in (8, 16, 24)}
        sparse = {width: [self._accuracy(width, 0.1, "erk", seed) for seed in seeds] for width in (8, 16, 24)}
        erk = [self._accuracy(16, 0.05, "erk", seed) for seed in seeds]
        uniform = [self._accuracy(16, 0.05, "uniform", seed) for seed in seeds]
        verdicts = [rules(erk, uniform), widths(dense, sparse), near_dense(dense[16], sparse[16])]
        scale = (
            f"ResNet-20 of widths 8, 16 and 24, {self.limit:,} training and {self.test_limit:,} test images of "
            f"Fashion-MNIST, {self.epochs} epoch(s) for every network."
        )
        return Outcome(verdicts, {"lr": self.lr}, scale)

    def _tuning_score(self, lr: float, seed: int) -> float:
        """Return the mean validation accuracy of dense and sparse training, so that neither is favoured."""
        values = self._values(16, lr, test_limit=200)
        dense = self.lab.validate(f"dense, lr {lr}", DenseTraining, seed, **values)
        sparse = self.lab.validate(f"ERK 0.1, lr {lr}", RandomPruning, seed, density=0.1, **values)
        return (dense["accuracy"] + sparse["accuracy"]) / 2

    def _accuracy(self, width: int, density: float, ratio: str, seed: int) -> float:
        values = self._values(width, self.lr, test_limit=self.test_limit)
        if density == 1.0:
            return self.lab.confirm(f"dense, width {width}", DenseTraining, seed, **values)["accuracy"]
        arm = f"{ratio} {density}, width {width}"
        return self.lab.confirm(arm, RandomPruning, seed, density=density, ratio=ratio, **values)["accuracy"]

    def _values(self, width: int, lr: float, *, test_limit: int) -> dict[str, Any]:
        return {
            "model": f"zoo:resnet20?width={width}",
            "data": f"fashion-mnist?limit={self.limit}&test_limit={test_limit}",
            "recipe": {"epochs": self.epochs, "lr": lr, "evaluate_every_epochs": self.epochs},
        }


def rules(erk: list[float], uniform: list[float]) -> Verdict:
    """ERK against uniform at equal density."""
    margin, error = paired_margin(erk, uniform, POINTS)
    return Verdict(
        "At density 0.05 ERK is at least as accurate as uniform (width 16).",
        margin >= 0,
        margin,
        "points",
        error,
        {"ERK": erk, "uniform": uniform},
    )


def widths(dense: dict[int, list[float]], sparse: dict[int, list[float]]) -> Verdict:
    """The gap between dense and sparse over the width."""
    gaps = {width: [d - s for d, s in zip(dense[width], sparse[width], strict=True)] for width in dense}
    margin, error = paired_margin(gaps[8], gaps[24], POINTS)
    return Verdict(
        "The gap between dense training and ERK at density 0.1 shrinks from width 8 to width 24.",
        margin > 0,
        margin,
        "points",
        error,
        {f"gap at width {width}": gap for width, gap in gaps.items()},
    )


def near_dense(dense: list[float], sparse: list[float]) -> Verdict:
    """The gap at 90 % sparsity against the bar of 1.5 points."""
    gap, error = paired_margin(dense, sparse, POINTS)
    return Verdict(
        "At 90 % sparsity ERK stays within 1.5 points of dense training (width 16).",
        gap <= 1.5,
        1.5 - gap,
        "points",
        error,
        {"dense": dense, "ERK": sparse},
    )
