"""Real measurements, each network at most once, kept for a resumed search."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from palmette_plugins.engines.multi_objective.archive import Archive, Entry
from palmette_plugins.engines.multi_objective.genes import Genes, GeneSpace, Key

if TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext

Measure = Callable[[Key], Mapping[str, float]]  # genes -> measurements by name

PHASE = "measurements"
_SAVE_S = 20.0  # seconds between checkpoints


class Evaluator:
    """Measures networks and fills the archive.

    A search draws the same networks in every attempt of a job; those that an earlier attempt measured are only read,
    so a resumed search goes on where it stopped and measures nothing twice.

    Attributes:
        archive: What this attempt measured or read so far, in order.
        budget: How many different networks may be measured.
    """

    def __init__(self, job: JobContext, space: GeneSpace, measure: Measure, budget: int) -> None:
        self.archive = Archive(space)
        self.budget = budget
        self._job = job
        self._measure = measure
        saved = job.phases.running(PHASE) or {"keys": [], "measurements": []}
        self._known: dict[Key, Mapping[str, float]] = {
            tuple(key): row for key, row in zip(saved["keys"], saved["measurements"], strict=True)
        }
        self._fresh = 0
        self._saved_s = time.monotonic()

    @property
    def left(self) -> int:
        """How many more networks may be measured."""
        return self.budget - len(self.archive)

    def measure(self, genes: Genes, number: int) -> None:
        """Measure the networks of the rows that are not in the archive, in order, as far as the budget goes.

        Args:
            genes: (N, G).
            number: Of the round.
        """
        for row, key in zip(genes, self.archive.space.keys(genes), strict=True):
            if key in self.archive or self.left == 0:
                continue
            found = self._known.get(key)
            if found is None:
                self._job.raise_if_cancelled()
                found = dict(self._measure(key))
                self._known[key] = found
                self._fresh += 1
            self.archive.add(Entry(tuple(int(index) for index in row), found, number))
            self._report()

    def of(self, genes: Sequence[int]) -> Mapping[str, float] | None:
        """Return the measurements of the network that genes decode to, if it was measured."""
        entry = self.archive.get(genes)
        return None if entry is None else entry.measurements

    def save(self) -> None:
        """Write what was measured into the job's checkpoint."""
        if self._fresh:
            state = {"keys": [list(key) for key in self._known], "measurements": list(self._known.values())}
            self._job.phases.save(PHASE, state)
            self._fresh = 0
        self._saved_s = time.monotonic()

    def _report(self) -> None:
        done = len(self.archive)
        if time.monotonic() - self._saved_s > _SAVE_S or self.left == 0:
            self.save()
        self._job.progress(0.95 * done / self.budget, f"measured {done} of {self.budget} networks")
