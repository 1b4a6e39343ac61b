"""What a search optimises, and what it must not exceed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """One measurement to optimise.

    Attributes:
        name: Its name among the measurements.
        maximise: More is better; minimised as its negative.
        reference: The worst value that counts for the hypervolume, the same for all tactics of one comparison.
    """

    name: str
    maximise: bool = False
    reference: float = 1.0

    def loss(self, values: Floats) -> Floats:
        """Return what is minimised."""
        return -values if self.maximise else values

    def relative(self, values: Floats) -> Floats:
        """Return the loss on a scale where the reference is 1 and the best imaginable value 0.

        A share (accuracy) is best at 1, a cost at 0.
        """
        best = 1.0 if self.maximise else 0.0
        return (values - best) / (self.reference - best)


@dataclass(frozen=True)
class Limit:
    """Bounds of one measurement; None for no bound."""

    name: str
    lower: float | None = None
    upper: float | None = None

    def excess(self, values: Floats) -> list[Floats]:
        """Return by how much each bound is broken, relative to it; not above 0 where it holds."""
        found = []
        if self.upper is not None:
            found.append((values - self.upper) / (abs(self.upper) or 1.0))
        if self.lower is not None:
            found.append((self.lower - values) / (abs(self.lower) or 1.0))
        return found

    @property
    def bounds(self) -> int:
        """How many bounds it has."""
        return (self.lower is not None) + (self.upper is not None)


def losses(rows: Sequence[Mapping[str, float]], objectives: Sequence[Objective]) -> Floats:
    """Return what is minimised, (N, objectives)."""
    return np.stack([objective.loss(column(rows, objective.name)) for objective in objectives], axis=1)


def relative_losses(rows: Sequence[Mapping[str, float]], objectives: Sequence[Objective]) -> Floats:
    """Return losses on scales where the reference point is all ones, (N, objectives)."""
    return np.stack([objective.relative(column(rows, objective.name)) for objective in objectives], axis=1)


def feasible(rows: Sequence[Mapping[str, float]], limits: Sequence[Limit]) -> NDArray[np.bool_]:
    """Return which rows meet all limits, (N,)."""
    met = np.ones(len(rows), dtype=bool)
    for limit in limits:
        for excess in limit.excess(column(rows, limit.name)):
            met &= excess <= 0
    return met


def column(rows: Sequence[Mapping[str, float]], name: str) -> Floats:
    """Return one measurement of all rows."""
    return np.array([row[name] for row in rows], dtype=np.float64)
