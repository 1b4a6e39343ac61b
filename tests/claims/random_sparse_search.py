"""Random sparse search: the found sub-network against random ones of equal sparsity, and against the dense parent."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from palmette_plugins.engines.sparse_search.statistics import compare
from palmette_plugins.nas.random_sparse_search import RandomSparseSearch

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

POINTS = 100.0  # accuracy in [0, 1] to percentage points
SPARSITIES = (0.5, 0.8, 0.9)
MARGIN = 0.5  # points


class RandomSparseSearchClaim(Claim):
    """A perceptron on 8x8 digits, in node space; nothing is tuned: the settings are the card's."""

    slug = "random-sparse-search"
    duration = "about 2 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Search and train at three sparsities; compare the found network with random ones and the dense parent."""
        self.seeds = CONFIRMING_SEEDS[:2] if quick else CONFIRMING_SEEDS
        epochs = 2 if quick else 30
        runs = [lab.confirm("search", RandomSparseSearch, seed, **settings(epochs, quick)) for seed in self.seeds]
        scale = (
            "A perceptron 64-256-128-10, 1,000 training and 360 test images of the 8x8 digits; at each sparsity and "
            f"seed the best of {200 if not quick else 10} node masks by the loss at initialisation, 10 random ones and "
            f"the dense parent train for {epochs} epochs of Adam at 0.001 in batches of 64."
        )
        verdicts = [
            self._search_does_not_help(runs),
            self._search_lowers_the_initial_loss(runs),
            self._near_dense(runs, 0.9, 3.5),
            self._near_dense(runs, 0.5, 1.0),
        ]
        return Outcome(verdicts, {}, scale)

    def _search_does_not_help(self, runs: list[dict[str, float]]) -> Verdict:
        found, random = ([pooled(run, arm) for run in runs] for arm in ("found", "random"))
        compared = compare([POINTS * x for x in found], [POINTS * x for x in random], MARGIN)
        difference, error = paired_margin(found, random, POINTS)
        statement = (
            "The found network is no better and no worse than random ones: their mean difference over sparsities and "
            f"seeds lies within {MARGIN} points (95 % interval {compared.low:.2f} to {compared.high:.2f}, equivalence "
            f"test p {compared.tost_p:.3f}: {compared.verdict})."
        )
        margin = MARGIN - abs(difference)
        figures = {"found": found, "random": random} | {
            f"found, sparsity {s}": [run[key(s, "found")] for run in runs] for s in SPARSITIES
        }
        figures |= {f"random, sparsity {s}": [run[key(s, "random")] for run in runs] for s in SPARSITIES}
        return Verdict(statement, margin >= 0, margin, "points", error, figures)

    def _search_lowers_the_initial_loss(self, runs: list[dict[str, float]]) -> Verdict:
        found, random = (
            [fmean(run[key(s, arm, "score")] for s in SPARSITIES) for run in runs] for arm in ("found", "random")
        )
        margin, error = paired_margin(random, found)
        statement = "Yet the found network starts at a lower loss than random ones, which is what the search minimises."
        return Verdict(statement, margin > 0, margin, "nats", error, {"found": found, "random": random})

    def _near_dense(self, runs: list[dict[str, float]], sparsity: float, bar: float) -> Verdict:
        random = [run[key(sparsity, "random")] for run in runs]
        dense = [run["seed 0/dense/accuracy"] for run in runs]
        loss, error = paired_margin(dense, random, POINTS)
        statement = f"At sparsity {sparsity} random networks stay within {bar:g} points of the dense parent."
        figures = {"random": random, "dense": dense}
        return Verdict(statement, loss <= bar, bar - loss, "points", error, figures)


def settings(epochs: int, quick: bool) -> dict[str, Any]:
    """Return the settings of one run; each is a seed of its own, so the job gives no verdict itself."""
    return {
        "model": "zoo:mlp?hidden=256,128",
        "data": "digits?limit=1000",
        "sparsities": list(SPARSITIES),
        "candidates": 10 if quick else 200,
        "seeds": 1,
        "delta": None,
        "recipe": {"epochs": epochs},
    }


def key(sparsity: float, arm: str, measurement: str = "accuracy") -> str:
    """Return the name of a measurement of an arm."""
    return f"sparsity {sparsity:g}/seed 0/{arm}/{measurement}"


def pooled(run: dict[str, float], arm: str) -> float:
    """Return the accuracy of an arm, the mean over sparsities."""
    return fmean(run[key(sparsity, arm)] for sparsity in SPARSITIES)
