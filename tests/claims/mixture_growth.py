"""MixtureGrowth against random new blocks, and against training the wide network for the same work."""

from __future__ import annotations

from typing import Any

from palmette_plugins.pruning_growth.dense_training import DenseTraining
from palmette_plugins.pruning_growth.mixture_growth import MixtureGrowth

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

GROWN_LEARNING_RATES = (0.003, 0.01, 0.03)
LEARNING_RATES = (0.05, 0.1)
INITS = ("orthogonal", "random", "zero")
POINTS = 100.0  # accuracy in [0, 1] to percentage points


class MixtureGrowthClaim(Claim):
    """WRN-10-2 grown from two WRN-10-1 on Fashion-MNIST, at equal training FLOPs."""

    slug = "mixture-growth"
    duration = "about 45 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Tune the learning rates of both ways on their own, then compare them at the same work."""
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        self.lab = lab
        self.limit, self.test_limit = (400, 200) if quick else (10_000, 10_000)
        self.epochs_small, self.epochs_grown = (2, 1) if quick else (8, 4)
        # The two members cost half an epoch of the wide network per epoch of theirs.
        self.epochs_scratch = round(self.epochs_small / 2) + self.epochs_grown
        self.lr = lab.tune(LEARNING_RATES, self._scratch_score)
        self.lr_grown = lab.tune(GROWN_LEARNING_RATES, self._grown_score)

        grown = {init: [self._confirm_grown(init, seed) for seed in seeds] for init in INITS}
        scratch = [lab.confirm("scratch", DenseTraining, seed, **self._scratch(self.lr)) for seed in seeds]
        work = grown["orthogonal"][0]
        share = work["training-flops/from-scratch"] / (self.epochs_small + self.epochs_grown)
        wide_epochs = work["training-flops/total"] / share
        scale = (
            f"WRN-10-2 from two WRN-10-1, {self.limit:,} training and {self.test_limit:,} test images of "
            f"Fashion-MNIST. {self.epochs_small} epochs for each member and {self.epochs_grown} after growth are as "
            f"much work as {wide_epochs:.1f} epochs of the wide network; from scratch it has {self.epochs_scratch}."
        )
        chosen = {"lr": self.lr, "lr_grown": self.lr_grown}
        return Outcome(_verdicts(grown, [run["accuracy"] for run in scratch]), chosen, scale)

    def _scratch_score(self, lr: float, seed: int) -> float:
        return self.lab.validate(f"scratch, lr {lr}", DenseTraining, seed, **self._scratch(lr))["accuracy"]

    def _grown_score(self, lr_grown: float, seed: int) -> float:
        """Return the mean validation accuracy of orthogonal and random new blocks, so that neither is favoured."""
        scores = [
            self.lab.validate(f"{init}, lr_grown {lr_grown}", MixtureGrowth, seed, **self._growth(init, lr_grown))
            for init in ("orthogonal", "random")
        ]
        return sum(score["accuracy"] for score in scores) / len(scores)

    def _confirm_grown(self, init: str, seed: int) -> dict[str, float]:
        return self.lab.confirm(init, MixtureGrowth, seed, **self._growth(init, self.lr_grown))

    def _growth(self, init: str, lr_grown: float) -> dict[str, Any]:
        return {
            "model": "zoo:wrn-10-2",
            "data": self._data(),
            "coefficient_init": init,
            "epochs_small": self.epochs_small,
            "epochs_grown": self.epochs_grown,
            "lr_grown": lr_grown,
            "recipe": {"lr": self.lr, "evaluate_every_epochs": 1000},
        }

    def _scratch(self, lr: float) -> dict[str, Any]:
        recipe = {"epochs": self.epochs_scratch, "lr": lr, "nesterov": True, "evaluate_every_epochs": 1000}
        return {"model": "zoo:wrn-10-2", "data": self._data(), "recipe": recipe}

    def _data(self) -> str:
        return f"fashion-mnist?limit={self.limit}&test_limit={self.test_limit}"


def _verdicts(grown: dict[str, list[dict[str, float]]], scratch: list[float]) -> list[Verdict]:
    end = {init: [run["accuracy"] for run in runs] for init, runs in grown.items()} | {"scratch": scratch}
    start = {init: [run["at-growth/accuracy"] for run in runs] for init, runs in grown.items()}
    statements = [
        ("MixtureGrowth (orthogonal) ends more accurate than with random new blocks.", end, "orthogonal", "random"),
        ("Random new blocks end at least as accurate as training from scratch.", end, "random", "scratch"),
        ("MixtureGrowth (orthogonal) ends at least as accurate as from scratch.", end, "orthogonal", "scratch"),
        ("With new blocks of zero it ends at least as accurate as from scratch.", end, "zero", "scratch"),
        ("Right after growth orthogonal blocks are more accurate than random ones.", start, "orthogonal", "random"),
    ]
    return [_more_accurate(*statement) for statement in statements]


def _more_accurate(statement: str, accuracy: dict[str, list[float]], better: str, worse: str) -> Verdict:
    margin, error = paired_margin(accuracy[better], accuracy[worse], POINTS)
    figures = {name: accuracy[name] for name in (better, worse)}
    return Verdict(statement, margin > 0 or ("at least" in statement and margin == 0), margin, "points", error, figures)
