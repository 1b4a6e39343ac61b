"""The lab: trains what a claim asks for, remembers every run, and keeps tuning apart from confirming.

Settings are tuned on the validation split with tuning seeds; what was chosen is then confirmed once, on the test
split, with seeds that nothing was tuned on. The lab enforces it: a tuning run shows no test measurement, and a
confirming run refuses a seed that tuning has used. Finished runs are kept in the user's cache folder, so that an
interrupted measurement goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import platformdirs
import torch

import palmette_plugins
from palmette_plugins.api import Method, run_method

TUNING_SEEDS = (100,)
CONFIRMING_SEEDS = (0, 1, 2)

Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class RecordedRun:
    """One training run: what was run, and what it measured."""

    stage: str  # tuning or confirming
    arm: str
    method: str
    seed: int
    values: dict[str, Any]
    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class PreparedModel:
    """A model that was trained for the arms: a guide, a teacher, a student's start."""

    arm: str
    method: str
    seed: int
    values: dict[str, Any]
    reference: str


@dataclass
class Lab:
    """Where a claim's runs happen.

    Attributes:
        cache: Folder of finished runs.
        cpu: Cores per run; 0 for all.
        report: Called with a line of text before every run that really happens.
        runs: Every run so far, cached ones too, in the order asked for.
        prepared: Every model that was trained for the arms, the same way.
    """

    cache: Path = field(default_factory=lambda: Path(platformdirs.user_cache_dir("palmette")) / "claims")
    cpu: float = 0.0
    report: Callable[[str], None] = print
    runs: list[RecordedRun] = field(default_factory=list)
    prepared: list[PreparedModel] = field(default_factory=list)

    def tune(
        self,
        candidates: Sequence[Candidate],
        score: Callable[[Candidate, int], float],
        seeds: Sequence[int] = TUNING_SEEDS,
    ) -> Candidate:
        """Return the candidate with the best mean of ``score(candidate, seed)``; `score` calls `validate`."""
        return max(candidates, key=lambda candidate: fmean(score(candidate, seed) for seed in seeds))

    def validate(self, arm: str, method: type[Method], seed: int, **values: Any) -> dict[str, float]:
        """Run a method for tuning; return what it measured on the validation split, by metric name."""
        if seed in CONFIRMING_SEEDS:
            raise ValueError(f"seed {seed} is kept for confirming; tune with others, such as {TUNING_SEEDS}")
        metrics = self._run("tuning", arm, method, seed, values).metrics
        return {name.removeprefix("validation/"): value for name, value in metrics.items()}

    def confirm(self, arm: str, method: type[Method], seed: int, **values: Any) -> dict[str, float]:
        """Run a method with a seed that nothing was tuned on; return all that it measured in the end."""
        if any(run.stage == "tuning" and run.seed == seed for run in self.runs):
            raise ValueError(f"seed {seed} was used for tuning; confirm with others, such as {CONFIRMING_SEEDS}")
        return self._run("confirming", arm, method, seed, values).metrics

    def prepare(self, arm: str, method: type[Method], seed: int, *, output: str = "model", **values: Any) -> str:
        """Return the reference of a trained model that arms start from or learn from; it is kept in the lab's store.

        Not an arm of its own: it sees the training split, and nothing is decided by what it measures. `output` is the
        method's output that is meant.
        """
        stage = "preparing" if output == "model" else f"preparing {output}"
        path = self.cache / f"{self._key(stage, method, seed, values)}.json"
        if not path.exists():
            self.report(f"preparing {arm}, seed {seed} ...")
            result = run_method(method, seed=seed, cpu=self.cpu, store=self.store, **values)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(json.dumps(result.artifacts[output][0]))
            part.replace(path)
        reference = f"artifact:{json.loads(path.read_text())}"
        self.prepared.append(PreparedModel(arm, method.__name__, seed, values, reference))
        return reference

    def _run(self, stage: str, arm: str, method: type[Method], seed: int, values: dict[str, Any]) -> RecordedRun:
        path = self.cache / f"{self._key(stage, method, seed, values)}.json"
        if path.exists():
            metrics, seconds = json.loads(path.read_text())
        else:
            self.report(f"{stage} {arm}, seed {seed} ...")
            started_s = time.monotonic()
            metrics = self._measured(method, seed, values, keep_test=stage == "confirming")
            seconds = time.monotonic() - started_s
            self.cache.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(json.dumps([metrics, seconds]))
            part.replace(path)
        run = RecordedRun(stage, arm, method.__name__, seed, values, metrics, seconds)
        self.runs.append(run)
        return run

    def _measured(
        self, method: type[Method], seed: int, values: Mapping[str, Any], *, keep_test: bool
    ) -> dict[str, float]:
        """Run a method; return its metrics, without its test measurements unless they are kept.

        What it saves is thrown away, unless it reads prepared models: then it needs their store.
        """
        with tempfile.TemporaryDirectory(prefix="palmette-claims-") as scratch:
            store = self.store if "artifact:" in json.dumps(dict(values)) else Path(scratch)
            metrics = run_method(method, seed=seed, cpu=self.cpu, store=store, **values).metrics
        if keep_test:
            return metrics
        return {name: value for name, value in metrics.items() if name.startswith("validation/")}

    @property
    def store(self) -> Path:
        """Folder of the artifact store that prepared models are in."""
        return self.cache / "artifacts"

    def _key(self, stage: str, method: type[Method], seed: int, values: Mapping[str, Any]) -> str:
        identity = [stage, method.__qualname__, seed, dict(values), self.cpu, torch.__version__, _source_digest()]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


@cache
def _source_digest() -> str:
    """Return a digest of the plugins' code: runs of other code do not count as done."""
    digest = hashlib.sha256()
    for path in sorted(Path(palmette_plugins.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
