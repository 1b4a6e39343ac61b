"""Guidance: a very deep perceptron on its own, under a trained guide, under an untrained one, and for a while."""

from __future__ import annotations

from typing import Any

from palmette_plugins.guided_training.guidance import Guidance
from palmette_plugins.pruning_growth.dense_training import DenseTraining

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

LEARNING_RATES = (3e-4, 1e-3, 3e-3)
POINTS = 100.0  # accuracy in [0, 1] to percentage points
TARGET = "zoo:mlp?hidden=64x20&batch_norm=true"
GUIDE = "zoo:resnet8?width=8"


class GuidanceClaim(Claim):
    """20 hidden layers on 8x8 digits."""

    slug = "guidance"
    duration = "about 4 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Tune the learning rate on the unguided target, as the paper does; then compare all arms at it."""
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        self.lab, self.epochs, self.guide_epochs = lab, (2 if quick else 15), (2 if quick else 25)
        lr = lab.tune(LEARNING_RATES, self._unguided_score)
        trained = [
            self._confirm("trained guide", seed, lr, guide=self._guide(seed), guide_trained=True) for seed in seeds
        ]
        untrained = [self._confirm("untrained guide", seed, lr, guide_trained=False) for seed in seeds]
        half = self.epochs * 7 // 2  # of 7 steps each
        early = [
            self._confirm("early guide", seed, lr, guide=self._guide(seed), guide_steps=half, baseline=False)
            for seed in seeds
        ]
        unguided = [run["unguided/accuracy"] for run in trained]
        scale = (
            "A perceptron of 20 hidden layers of 64 with batch norm, 500 training and 360 test images of the 8x8 "
            f"digits, {self.epochs} epochs in batches of 64, Adam. The guide is a ResNet-8 of width 8, trained for "
            f"{self.guide_epochs} epochs or not at all; early guidance ends after {half} of {2 * half} steps."
        )
        verdicts = [
            better("A trained guide makes it at least 10 points more accurate.", arm(trained), unguided, 10),
            better("An untrained guide makes it at least 5 points more accurate.", arm(untrained), unguided, 5),
            better("A trained guide for the first half only still gives 5 points.", arm(early), unguided, 5),
        ]
        return Outcome(verdicts, {"lr": lr}, scale)

    def _unguided_score(self, lr: float, seed: int) -> float:
        values = {"model": TARGET, "data": self._data(), "recipe": self._recipe(lr)}
        return self.lab.validate(f"unguided, lr {lr}", DenseTraining, seed, **values)["accuracy"]

    def _confirm(self, arm: str, seed: int, lr: float, **values: Any) -> dict[str, float]:
        settings = {"target": TARGET, "guide": GUIDE, "data": self._data(), "recipe": self._recipe(lr), **values}
        return self.lab.confirm(arm, Guidance, seed, **settings)

    def _guide(self, seed: int) -> str:
        recipe = {"epochs": self.guide_epochs, "batch_size": 64, "lr": 0.05}
        return self.lab.prepare("guide", DenseTraining, seed, model=GUIDE, data=self._data(), recipe=recipe)

    def _recipe(self, lr: float) -> dict[str, Any]:
        return {
            "epochs": self.epochs,
            "batch_size": 64,
            "optimizer": "adamw",
            "weight_decay": 0.0,
            "lr": lr,
            "schedule": "constant",
            "evaluate_every_epochs": self.epochs,
        }

    def _data(self) -> str:
        return "digits?limit=500"


def arm(runs: list[dict[str, float]]) -> list[float]:
    """Return the test accuracies of an arm."""
    return [run["accuracy"] for run in runs]


def better(statement: str, guided: list[float], unguided: list[float], bar: float) -> Verdict:
    """The mean gain in points against a bar."""
    gain, error = paired_margin(guided, unguided, POINTS)
    figures = {"guided": guided, "unguided": unguided}
    return Verdict(statement, gain >= bar, gain - bar, "points", error, figures)
