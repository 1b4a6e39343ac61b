"""What a sub-network may cost, as a user says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator

from palmette_plugins.engines.elastic.costs import CostTable, macs_table, parameter_table
from palmette_plugins.engines.elastic.latency import latency_table
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.engines.elastic.specialising import Limit


class Limits(BaseModel):
    """Upper limits; at least one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    macs: float | None = Field(None, gt=0, description="multiply-adds for one image")
    parameters: float | None = Field(None, gt=0, description="stored parameters")
    latency_ms: float | None = Field(
        None, gt=0, description="milliseconds for one image on the machine that searches, as a sum over blocks"
    )

    @model_validator(mode="after")
    def _something_is_limited(self) -> Self:
        if not self.given:
            raise ValueError("set macs, parameters or latency_ms")
        return self

    @property
    def given(self) -> dict[str, float]:
        """The limits that are set, by name."""
        return {name: value for name, value in self.model_dump().items() if value is not None}

    def __str__(self) -> str:
        return ", ".join(f"{name} <= {value:g}" for name, value in self.given.items())


class Costs:
    """The cost tables of one space, each made when it is first asked for: latencies take a while."""

    def __init__(
        self,
        space: Space,
        in_channels: int,
        num_classes: int,
        device: torch.device | str = "cpu",
        check: Callable[[], None] | None = None,
    ) -> None:
        self._of = (space, in_channels, num_classes)
        self._device, self._check = device, check
        self._latency: CostTable | None = None

    def table(self, name: str) -> CostTable:
        """Return the table of ``macs``, ``parameters`` or ``latency_ms``."""
        if name == "macs":
            return macs_table(*self._of)
        if name == "parameters":
            return parameter_table(*self._of)
        if self._latency is None:
            self._latency = latency_table(*self._of, self._device, check=self._check)
        return self._latency

    def limits(self, limits: Limits, *, exact_only: bool = False) -> list[Limit]:
        """Return `limits` with their tables; without latency where only `exact_only` ones are wanted."""
        names = [name for name in limits.given if not (exact_only and name == "latency_ms")]
        return [Limit(name, limits.given[name], self.table(name)) for name in names]
