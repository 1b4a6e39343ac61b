"""What a random sparse search found: rows, verdicts and pictures of all its trained networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from palmette_plugins.api.task import Task
from palmette_plugins.engines.sparse_search.convergence import common_target, steps_to_loss
from palmette_plugins.engines.sparse_search.statistics import compare, interval, percentile, spearman

FOUND, RANDOM, DENSE, WORST, EXTERNAL = "found", "random", "dense", "worst", "external"


@dataclass(frozen=True)
class Trained:
    """One trained network.

    Attributes:
        arm: ``found``, ``random``, ``dense``, ``worst`` or ``external``.
        sparsity: Of its masks; None for the dense parent.
        replicate: Number of the seed.
        index: Number among the candidates of its stream; -1 where it is none.
        mask_seed: Seed of that stream; -1 where it has none.
        score: Its score before training; None where it has none.
        final: The task's measurements on the test split.
        history: ``step`` and ``train/loss`` by epoch.
    """

    arm: str
    sparsity: float | None
    replicate: int
    index: int
    mask_seed: int
    score: float | None
    final: Mapping[str, float]
    history: Sequence[Mapping[str, float]]


class Findings:
    """All trained networks of a job, and what follows from them."""

    def __init__(self, trained: Sequence[Trained], task: Task, replicates: int) -> None:
        self.trained = list(trained)
        self.metric = task.primary_metric
        self.replicates = replicates
        # The margin of an accuracy is in points; other measurements keep their unit.
        self._scale = (100.0 if task.primary_metric == "accuracy" else 1.0) * (1 if task.higher_is_better else -1)

    def finals(self, arm: str, sparsity: float | None, replicate: int) -> list[float]:
        """Return the final measurements of an arm in one replicate."""
        return [row.final[self.metric] for row in self.of(arm, sparsity, replicate)]

    def of(self, arm: str, sparsity: float | None, replicate: int | None = None) -> list[Trained]:
        """Return the networks of an arm."""
        return [
            row
            for row in self.trained
            if row.arm == arm and row.sparsity == sparsity and replicate in (None, row.replicate)
        ]

    @property
    def sparsities(self) -> list[float]:
        """The sparsities, rising."""
        return sorted({row.sparsity for row in self.trained if row.sparsity is not None})

    def advantage(self, arm: str, sparsity: float, replicate: int) -> float:
        """Return arm - mean(random) of one replicate, positive where the arm is better."""
        arm_mean = fmean(self.finals(arm, sparsity, replicate))
        return self._scale * (arm_mean - fmean(self.finals(RANDOM, sparsity, replicate)))

    def steps_saved(self, arm: str, sparsity: float, replicate: int) -> float:
        """Return how many steps earlier than the mean random network the arm reached a loss that all reached."""
        random, others = self.of(RANDOM, sparsity, replicate), self.of(arm, sparsity, replicate)
        target = common_target([row.history for row in (*random, *others)])
        steps = {id(row): steps_to_loss(row.history, target) or 0.0 for row in (*random, *others)}
        return fmean(steps[id(row)] for row in random) - fmean(steps[id(row)] for row in others)

    def verdict_rows(self, margin: float, *, paired: bool) -> list[dict[str, Any]]:
        """Return a row per arm and sparsity, and one per arm over all sparsities (``sparsity`` is null)."""
        return [
            self._verdict(arm, sparsities, margin, paired)
            for arm in (FOUND, WORST, EXTERNAL)
            for sparsities in (*([sparsity] for sparsity in self.sparsities), self.sparsities)
            if all(self.of(arm, sparsity) for sparsity in sparsities)
        ]

    def _verdict(self, arm: str, sparsities: Sequence[float], margin: float, paired: bool) -> dict[str, Any]:
        """Compare at one sparsity, or over several: then a seed's mean over them is one observation."""
        seeds = range(self.replicates)

        def values(chosen: str) -> list[float]:
            return [self._scale * fmean(fmean(self.finals(chosen, s, r)) for s in sparsities) for r in seeds]

        found = compare(values(arm), values(RANDOM), margin, paired=paired)
        saved = [fmean(self.steps_saved(arm, s, r) for s in sparsities) for r in seeds]
        trained = [row for s in sparsities for row in self.trained if row.sparsity == s and row.score is not None]
        return {
            "arm": arm,
            "sparsity": sparsities[0] if len(sparsities) == 1 else None,
            "seeds": found.count,
            "difference": found.mean,
            "deviation": found.deviation,
            "low": found.low,
            "high": found.high,
            "wilcoxon_p": found.p,
            "tost_p": found.tost_p,
            "margin": margin,
            "verdict": found.verdict.value,
            "percentile": fmean(self._percentile(arm, s, r) for s in sparsities for r in seeds),
            "spearman": fmean(self._spearman(s, r) for s in sparsities for r in seeds) if trained else None,
            "steps_saved": fmean(saved),
            "steps_saved_low": interval(saved)[0],
            "steps_saved_high": interval(saved)[1],
        }

    def _percentile(self, arm: str, sparsity: float, replicate: int) -> float:
        random = [self._scale * value for value in self.finals(RANDOM, sparsity, replicate)]
        return percentile(self._scale * fmean(self.finals(arm, sparsity, replicate)), random)

    def _spearman(self, sparsity: float, replicate: int) -> float:
        rows = [
            row
            for row in self.trained
            if row.sparsity == sparsity and row.replicate == replicate and row.score is not None
        ]
        return spearman([row.score or 0.0 for row in rows], [row.final[self.metric] for row in rows])

    # -- metrics and pictures

    def metrics(self) -> dict[str, float]:
        """Return what every arm measured, by sparsity, seed and arm; random ones as their mean."""
        found = {f"seed {r}/{DENSE}/{self.metric}": fmean(self.finals(DENSE, None, r)) for r in range(self.replicates)}
        for sparsity in self.sparsities:
            for r in range(self.replicates):
                prefix = f"sparsity {sparsity:g}/seed {r}"
                for arm in (FOUND, RANDOM, WORST, EXTERNAL):
                    if rows := self.of(arm, sparsity, r):
                        found[f"{prefix}/{arm}/{self.metric}"] = fmean(self.finals(arm, sparsity, r))
                        scores = [row.score for row in rows if row.score is not None]
                        if scores:
                            found[f"{prefix}/{arm}/score"] = fmean(scores)
                found[f"{prefix}/found-minus-random"] = self.advantage(FOUND, sparsity, r)
                found[f"{prefix}/steps-saved"] = self.steps_saved(FOUND, sparsity, r)
        return found

    def sparsity_rows(self) -> list[dict[str, Any]]:
        """Return the rows of `charts.sparsity_chart`; the dense parent is drawn across all sparsities."""
        rows = []
        for arm in (DENSE, FOUND, RANDOM, WORST, EXTERNAL):
            for sparsity in self.sparsities:
                key = None if arm == DENSE else sparsity
                if not self.of(arm, key):
                    continue
                means = [fmean(self.finals(arm, key, r)) for r in range(self.replicates)]
                low, high = interval(means)
                rows.append({"arm": arm, "sparsity": sparsity, "value": fmean(means), "low": low, "high": high})
        return rows

    def score_rows(self) -> list[dict[str, Any]]:
        """Return the rows of `charts.score_chart`."""
        return [
            {
                "arm": row.arm,
                "sparsity": str(row.sparsity),
                "seed": row.replicate,
                "score": row.score,
                "final": row.final[self.metric],
            }
            for row in self.trained
            if row.score is not None
        ]

    def curve_rows(self) -> list[dict[str, Any]]:
        """Return the rows of `charts.curves_chart`: means over seeds and networks of an arm."""
        rows = []
        for sparsity in self.sparsities:
            for arm in (DENSE, FOUND, RANDOM, WORST, EXTERNAL):
                histories = [row.history for row in self.of(arm, None if arm == DENSE else sparsity)]
                for epochs in zip(*histories, strict=True):
                    loss = fmean(row["train/loss"] for row in epochs)
                    rows.append({"arm": arm, "sparsity": str(sparsity), "step": epochs[0]["step"], "loss": loss})
        return rows
