"""What a claim is: statements about a method, and the experiment that tells whether they hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import ClassVar

from .lab import Lab


@dataclass(frozen=True)
class Verdict:
    """One statement, and what came out.

    Attributes:
        statement: What is claimed, as one sentence.
        holds: It came out that way.
        margin: By how much; its sign agrees with `holds`.
        unit: Unit of the margin, such as ``points``.
        standard_error: Of the margin over the seeds; NaN with a single seed.
        figures: The numbers behind it, by arm, one per seed.
    """

    statement: str
    holds: bool
    margin: float
    unit: str
    standard_error: float
    figures: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Outcome:
    """What a claim's experiment found.

    Attributes:
        verdicts: One per statement.
        chosen: The settings that tuning chose.
        scale: What was trained on what for how long, as one sentence.
    """

    verdicts: Sequence[Verdict]
    chosen: Mapping[str, object] = field(default_factory=dict)
    scale: str = ""


class Claim(ABC):
    """The claims of one method.

    Attributes:
        slug: Name of the method.
        duration: How long `measure` takes on two idle cores, in words.
    """

    slug: ClassVar[str]
    duration: ClassVar[str]

    @abstractmethod
    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Do the experiment; `quick` only shows that it runs, in a minute or so, and decides nothing."""


def paired_margin(better: Sequence[float], worse: Sequence[float], scale: float = 1.0) -> tuple[float, float]:
    """Return mean and standard error of ``scale * (better - worse)``, paired by seed."""
    differences = [scale * (a - b) for a, b in zip(better, worse, strict=True)]
    error = stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else float("nan")
    return fmean(differences), error
