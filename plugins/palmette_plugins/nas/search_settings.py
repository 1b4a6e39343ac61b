"""Settings of a multi-objective search, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from palmette_plugins.api import FieldViolation
from palmette_plugins.engines.multi_objective.algorithms import ALGORITHMS, WITHOUT_LIMITS, EvolutionaryAlgorithm


class Measurement(StrEnum):
    """What can be optimised or limited."""

    ACCURACY = "accuracy"
    MACS = "macs"
    PARAMS = "params"
    LATENCY_MS = "latency_ms"
    SIZE_BYTES = "size_bytes"


class Extract(StrEnum):
    """Which networks of the front become models."""

    ALL = "all"
    KNEE = "knee"
    BEST = "best"


class Bounds(BaseModel):
    """Limits of one measurement."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    lower: float | None = Field(None, description="least value")
    upper: float | None = Field(None, description="largest value")

    @model_validator(mode="after")
    def _bounds_fit_together(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("set lower, upper or both")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower must not exceed upper ({self.upper:g})")
        return self


def algorithm_violations(
    algorithm: EvolutionaryAlgorithm, objectives: int, *, limited: bool
) -> Iterator[FieldViolation]:
    """Yield what keeps an algorithm from this number of objectives, and from limits."""
    if algorithm is EvolutionaryAlgorithm.AUTO:
        return
    fitting = [str(name) for name in ALGORITHMS[objectives]]
    if algorithm not in fitting:
        takes = next(count for count, names in ALGORITHMS.items() if algorithm in names)
        yield FieldViolation(
            "config.algorithm",
            f"{algorithm} is for {takes} objective{'s' if takes > 1 else ''}, got {objectives}; use auto or "
            f"{' or '.join(fitting)}",
        )
    if limited and algorithm in WITHOUT_LIMITS:
        yield FieldViolation("config.algorithm", f"{algorithm} takes no constraints; use unsga3 or ctaea")
