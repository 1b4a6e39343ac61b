"""MEAL V2: averaged soft labels against hard labels, from a trained start and from scratch."""

from __future__ import annotations

from typing import Any

from palmette_plugins.guided_training.meal_v2 import MealV2
from palmette_plugins.pruning_growth.dense_training import DenseTraining

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

LEARNING_RATES = (0.01, 0.02, 0.05)
POINTS = 100.0  # accuracy in [0, 1] to percentage points
STUDENT = "zoo:convnet?channels=4,8,8"
TEACHERS = ("zoo:resnet8?width=8", "zoo:resnet8?width=16")


class MealV2Claim(Claim):
    """A student of three small convolutions on Fashion-MNIST."""

    slug = "meal-v2"
    duration = "about 10 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Tune one learning rate for hard and soft labels together, then compare at equal steps."""
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        self.lab, self.quick = lab, quick
        lr = lab.tune(LEARNING_RATES[:1] if quick else LEARNING_RATES, self._tuning_score)
        meal = [self._confirm("meal-v2", seed, lr) for seed in seeds]
        hard = [self._confirm("hard", seed, lr, hard_label_weight=1.0, adversarial="none") for seed in seeds]
        half = [self._confirm("half hard", seed, lr, hard_label_weight=0.5) for seed in seeds]
        scratch = [self._confirm("from scratch", seed, lr, student=STUDENT) for seed in seeds]
        start = [run["start/accuracy"] for run in meal]
        scale = (
            "A student of three strided convolutions (4, 8 and 8 channels), two ResNet-8 of widths 8 and 16 as "
            f"teachers; {self._images():,} training and {self._test():,} test images of Fashion-MNIST, shifted and "
            f"flipped. The start is trained with labels for {self._epochs(50)} epochs; every arm then trains for as "
            "many. (A first try with 16 fixed crops and teachers that had never seen crops made every arm worse than "
            "its start.)"
        )
        return Outcome(verdicts(*(accuracies(runs) for runs in (meal, hard, half, scratch)), start), {"lr": lr}, scale)

    def _tuning_score(self, lr: float, seed: int) -> float:
        hard = {"hard_label_weight": 1.0, "adversarial": "none"}
        scores = [
            self.lab.validate(f"{arm}, lr {lr}", MealV2, seed, **self._values(seed, lr, **values))["accuracy"]
            for arm, values in (("meal-v2", {}), ("hard", hard))
        ]
        return sum(scores) / len(scores)

    def _confirm(self, arm: str, seed: int, lr: float, **values: Any) -> dict[str, float]:
        return self.lab.confirm(arm, MealV2, seed, **self._values(seed, lr, **values))

    def _values(self, seed: int, lr: float, **values: Any) -> dict[str, Any]:
        epochs = self._epochs(50)
        recipe = {"epochs": epochs, "batch_size": 64, "lr": lr, "milestones": [27], "evaluate_every_epochs": epochs}
        given = {
            "student": self._start(seed),
            "teachers": [self._teacher(model, seed) for model in TEACHERS],
            "data": self._data(),
            "recipe": recipe,
        }
        return {**given, **values}

    def _start(self, seed: int) -> str:
        recipe = {"epochs": self._epochs(50), "batch_size": 64, "lr": 0.05}
        return self.lab.prepare("start", DenseTraining, seed, model=STUDENT, data=self._data(), recipe=recipe)

    def _teacher(self, model: str, seed: int) -> str:
        recipe = {
            "epochs": self._epochs(25),
            "batch_size": 64,
            "optimizer": "adamw",
            "lr": 3e-3,
            "weight_decay": 0.0,
        }
        return self.lab.prepare("teacher", DenseTraining, seed, model=model, data=self._data(), recipe=recipe)

    def _epochs(self, usual: int) -> int:
        return 1 if self.quick else usual

    def _images(self) -> int:
        return 200 if self.quick else 1000

    def _test(self) -> int:
        return 200 if self.quick else 4000

    def _data(self) -> str:
        return f"fashion-mnist?limit={self._images()}&test_limit={self._test()}&augment=crop,flip"


def accuracies(runs: list[dict[str, float]]) -> list[float]:
    """Return the test accuracies of an arm."""
    return [run["accuracy"] for run in runs]


def verdicts(
    meal: list[float], hard: list[float], half: list[float], scratch: list[float], start: list[float]
) -> list[Verdict]:
    """The card's four comparisons."""
    found = [
        _gain("It is at least 0.3 points more accurate than as many steps with hard labels.", meal, "hard", hard, 0.3),
        _gain("It is at least 1 point more accurate than its start.", meal, "start", start, 1.0),
        _gain("It is at least as accurate with no hard label as with half.", meal, "half hard", half, 0.0),
    ]
    margin, error = paired_margin(meal, scratch, POINTS)
    everywhere = all(100 * (a - b) >= 1 for a, b in zip(meal, scratch, strict=True))
    figures = {"meal-v2": meal, "from scratch": scratch}
    statement = "From scratch it is lower by 1 point or more for every seed."
    found.append(Verdict(statement, everywhere, margin - 1, "points", error, figures))
    return found


def _gain(statement: str, meal: list[float], name: str, other: list[float], bar: float) -> Verdict:
    margin, error = paired_margin(meal, other, POINTS)
    return Verdict(statement, margin >= bar, margin - bar, "points", error, {"meal-v2": meal, name: other})
