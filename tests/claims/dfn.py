"""Data Filtering Networks: photos with seven captions of ten wrong, and filters of clean and of unclean pairs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from palmette_plugins.data_filtering.dfn import Dfn

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

LEARNING_RATES = (1e-3, 2e-3, 4e-3)
POINTS = 100.0  # accuracy in [0, 1] to percentage points
IMAGES = "captioned:fashion-mnist?of_limit=10000"
BATCH = 128
FRACTION = 0.25
CLEAN = "&skip=6000&limit=400"
MORE = "&skip=6400&limit=1600"


class DfnClaim(Claim):
    """A pool of 6,000 pairs, 400 clean ones."""

    slug = "dfn"
    duration = "about 8 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Tune the learning rate on the model without a filter; then compare filters by what they induce."""
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        self.lab, self.steps = lab, (10 if quick else 600)
        lr = lab.tune(LEARNING_RATES[:1] if quick else LEARNING_RATES, self._unfiltered_score)
        clean = [self._confirm("clean filter", seed, lr, CLEAN, ("random", "none")) for seed in seeds]
        raw = [self._confirm("filter of raw pairs", seed, lr, f"{MORE}&spoiled=0.7") for seed in seeds]
        quarter = [self._confirm("a quarter replaced", seed, lr, f"{CLEAN}&spoiled=0.18") for seed in seeds]
        half = [self._confirm("half replaced", seed, lr, f"{CLEAN}&spoiled=0.35") for seed in seeds]
        larger = [self._confirm("four times as much, half raw", seed, lr, f"{MORE}&spoiled=0.35") for seed in seeds]
        scale = (
            "6,000 photos of Fashion-MNIST with captions by five templates, 70 % of them wrong; 400 clean pairs; 1,600 "
            "further raw ones; 2,000 test photos. Three convolutions and a word average, dimension 32; every model "
            f"{self.steps} steps of {BATCH} pairs; a quarter of the pool is kept. A quarter (half) of raw pairs among "
            "the clean ones is 18 % (35 %) of wrong captions, because raw pairs are wrong in 70 %."
        )
        induced = {name: taken(clean, f"induced/{name}/zero-shot") for name in ("filtered", "none", "random")}
        verdicts = [
            gain(
                "The induced model is at least 15 points better than one trained on the whole pool.",
                induced,
                "none",
                15,
            ),
            gain("It is at least 25 points better than one trained on a random quarter.", induced, "random", 25),
            self._against_raw(clean, raw),
            self._purity(clean),
            self._falls(clean, quarter, half),
            self._two_qualities(half, larger),
        ]
        return Outcome(verdicts, {"lr": lr}, scale)

    def _against_raw(self, clean: list[dict[str, float]], raw: list[dict[str, float]]) -> Verdict:
        arms = {"filtered": accuracies(clean), "raw": accuracies(raw)}
        return gain("It is at least 10 points better than under a filter trained on 1,600 raw pairs.", arms, "raw", 10)

    def _purity(self, clean: list[dict[str, float]]) -> Verdict:
        purity = taken(clean, "purity/kept")
        margin, error = paired_margin(purity, [0.65] * len(purity), POINTS)
        statement = "At least 65 % of the kept captions are right, of 30 % in the pool."
        return Verdict(statement, margin >= 0, margin, "points", error, {"purity": purity})

    def _falls(
        self, clean: list[dict[str, float]], quarter: list[dict[str, float]], half: list[dict[str, float]]
    ) -> Verdict:
        arms = [accuracies(runs) for runs in (clean, quarter, half)]
        steps = [paired_margin(better, worse, POINTS) for better, worse in pairwise(arms)]
        margin, error = min(steps)
        figures = dict(zip(("0 %", "25 %", "50 %"), arms, strict=True))
        statement = "The induced model gets worse with every quarter of the clean pairs that is replaced by raw ones."
        return Verdict(statement, margin > 0, margin, "points", error, figures)

    def _two_qualities(self, half: list[dict[str, float]], larger: list[dict[str, float]]) -> Verdict:
        """What more pairs of the same purity do to both qualities of a filter."""
        own = (taken(larger, "filter/zero-shot"), taken(half, "filter/zero-shot"))
        induced = (accuracies(larger), accuracies(half))
        classifies, own_error = paired_margin(*own, POINTS)
        filters, error = paired_margin(*induced, POINTS)
        margin = min(classifies - 3, classifies / 2 - filters)
        figures = {
            "more, classifies": own[0],
            "fewer, classifies": own[1],
            "more, induces": induced[0],
            "fewer, induces": induced[1],
        }
        statement = (
            "Of pairs that are half raw, four times as many make a filter classify at least 3 points better, and the "
            "model that it induces better by less than half of that: own accuracy does not rank filters."
        )
        return Verdict(statement, margin >= 0, margin, "points", max(error, own_error), figures)

    def _unfiltered_score(self, lr: float, seed: int) -> float:
        settings = self._settings(lr, CLEAN, ("none",))
        found = self.lab.validate(f"no filter, lr {lr}", Dfn, seed, evaluation_split="validation", **settings)
        return found["induced/none/zero-shot"]

    def _confirm(self, arm: str, seed: int, lr: float, clean: str, baselines: tuple[str, ...] = ()) -> dict[str, float]:
        return self.lab.confirm(arm, Dfn, seed, **self._settings(lr, clean, baselines))

    def _settings(self, lr: float, clean: str, baselines: tuple[str, ...]) -> dict[str, Any]:
        recipe = {"batch_size": BATCH, "lr": lr, "warmup_steps": 50, "precision": "fp32"}
        return {
            "pool": f"{IMAGES}&limit=6000&spoiled=0.7",
            "clean": f"{IMAGES}{clean}&seed=1",
            "evaluation": "fashion-mnist?limit=10000&test_limit=2000",
            "arch": "tiny?vocabulary=2048",
            "fraction": FRACTION,
            "filter_recipe": recipe,
            "filter_samples": self.steps * BATCH,
            "induced_recipe": recipe,
            "samples_seen": self.steps * BATCH,
            "baselines": list(baselines),
        }


def taken(runs: list[dict[str, float]], name: str) -> list[float]:
    """Return one measurement of every run."""
    return [run[name] for run in runs]


def accuracies(runs: list[dict[str, float]]) -> list[float]:
    """Return the test accuracies of the models induced by a filter."""
    return taken(runs, "induced/filtered/zero-shot")


def gain(statement: str, arms: dict[str, list[float]], baseline: str, bar: float) -> Verdict:
    """The mean gain of the filtered pairs over a baseline, in points, against a bar."""
    margin, error = paired_margin(arms["filtered"], arms[baseline], POINTS)
    figures = {name: arms[name] for name in ("filtered", baseline)}
    return Verdict(statement, margin >= bar, margin - bar, "points", error, figures)
