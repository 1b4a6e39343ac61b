"""Hardware-aware search: fronts from predictions and few measurements, against random and evolutionary search."""

from __future__ import annotations

from typing import Any

from palmette_plugins.nas.hardware_aware import HardwareAware
from palmette_plugins.nas.ofa import OnceForAll

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, TUNING_SEEDS, Lab

OPEN: dict[str, list[int]] = {"depths": [1, 2, 3], "expands": [2, 3, 4], "kernels": [3, 5]}
SPACE = {"name": "custom", "widths": [16, 24, 32], "strides": [2, 1], "stem_stride": 2, **OPEN}
ARMS = {"concurrent": 100, "evolutionary": 100, "random": 300}  # tactic -> measurements
POPULATION = 20


class HardwareAwareClaim(Claim):
    """One small supernet on 28x28 photos, searched with several seeds; nothing is tuned."""

    slug = "hardware-aware"
    duration = "about 30 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Train a supernet; search it for accuracy and multiply-adds with each tactic."""
        self.lab, self.quick = lab, quick
        seeds = CONFIRMING_SEEDS[:2] if quick else CONFIRMING_SEEDS
        supernet = self._supernet()
        volumes = {tactic: [self._hypervolume(tactic, seed, supernet) for seed in seeds] for tactic in ARMS}
        counts = {tactic: self._measurements(tactic) for tactic in ARMS}
        verdicts = [
            ahead(
                f"With {counts['concurrent']} measurements, search on predictions reaches at least the hypervolume of "
                f"{counts['random']} random measurements.",
                volumes["concurrent"],
                volumes["random"],
            ),
            ahead(
                f"It beats an evolutionary search with the same {counts['evolutionary']} measurements.",
                volumes["concurrent"],
                volumes["evolutionary"],
            ),
        ]
        return Outcome(verdicts, {}, self._scale())

    def _supernet(self) -> str:
        plan: list[tuple[int, float, int, dict[str, list[int]]]] = [
            (4, 0.1, 1, {}),
            (1, 0.03, 1, {"kernels": OPEN["kernels"]}),
            (2, 0.05, 2, {"depths": OPEN["depths"]}),
            (5, 0.05, 2, {"expands": OPEN["expands"]}),
        ]
        stages = [
            {"epochs": 1 if self.quick else epochs, "warmup_epochs": 0, "lr": lr, "subnetworks": count, **opened}
            for epochs, lr, count, opened in plan
        ]
        values: dict[str, Any] = {
            "data": self._data(),
            "space": SPACE,
            "stages": stages,
            "predictor_samples": 100,
            "calibration_images": 200 if self.quick else 1000,
            "reported": 1,
            "recipe": {"batch_size": 64, "weight_decay": 3e-5, "decay_norm_and_bias": False, "label_smoothing": 0.1},
        }
        return self.lab.prepare("supernet", OnceForAll, TUNING_SEEDS[0], output="supernet", **values)

    def _hypervolume(self, tactic: str, seed: int, supernet: str) -> float:
        values = {
            "supernet": supernet,
            "data": self._data(),
            "tactic": tactic,
            "objectives": ["accuracy", "macs"],
            "measurements": self._measurements(tactic),
            "population": 10 if self.quick else POPULATION,
            "inner_evaluations": 200 if self.quick else 20_000,
            "eval_samples": 100 if self.quick else 1000,
        }
        return self.lab.confirm(tactic, HardwareAware, seed, **values)["hypervolume"]

    def _measurements(self, tactic: str) -> int:
        return ARMS[tactic] // (5 if self.quick else 1)

    def _data(self) -> str:
        return "fashion-mnist?limit=1000&test_limit=100" if self.quick else "fashion-mnist?limit=10000&test_limit=1000"

    def _scale(self) -> str:
        return (
            "A supernet of two stages (1 to 3 blocks, expand ratios 2, 3, 4, kernels 3 and 5) on 28x28 photos of "
            f"products ({self._data()}), searched for accuracy on {100 if self.quick else 1000} held-out images and "
            "multiply-adds; hypervolume from 0 to 1, relative to accuracy 0 and the cost of the largest sub-network."
        )


def ahead(statement: str, ours: list[float], theirs: list[float]) -> Verdict:
    """The mean difference of two tactics' hypervolumes."""
    margin, error = paired_margin(ours, theirs)
    return Verdict(statement, margin >= 0, margin, "of hypervolume", error, {"predictions": ours, "other": theirs})
