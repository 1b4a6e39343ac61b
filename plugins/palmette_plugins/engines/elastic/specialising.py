"""The best sub-network under limits, by a predictor: no training and no measuring, so it takes seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.engines.elastic.costs import CostTable
from palmette_plugins.engines.elastic.evolution import Evolution, Found, evolve
from palmette_plugins.engines.elastic.populations import Floats, Genes
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.engines.seeding import derive_seed


@dataclass(frozen=True)
class Limit:
    """The most that a sub-network may cost by one table.

    Attributes:
        name: What is limited, such as ``macs``.
        most: The limit, in the table's unit.
        table: What costs how much.
    """

    name: str
    most: float
    table: CostTable


def limit_violations(limits: list[Limit], field: str) -> list[FieldViolation]:
    """Return the limits that no sub-network keeps, with the smallest possible values; fields are ``<field>.<name>``."""
    return [
        FieldViolation(
            f"{field}.{limit.name}", f"must be at least {_shown(limit.table.cheapest())}, the smallest sub-network's"
        )
        for limit in limits
        if limit.table.cheapest() > limit.most
    ]


def _shown(cost: float) -> str:
    """Return a cost as people write it: counts exactly, times rounded up."""
    return str(int(cost)) if cost.is_integer() else str(math.ceil(cost * 1000) / 1000)


def specialise(
    space: Space,
    predict: Callable[[Genes], Floats],
    limits: list[Limit],
    seed: int,
    *,
    field: str = "limits",
    settings: Evolution | None = None,
    on_generation: Callable[[int], None] | None = None,
) -> Found:
    """Return the sub-network with the best prediction among those that keep every limit.

    Args:
        space: Whose.
        predict: Predicts rows of genes; higher is better.
        limits: What must be kept; equal limits and seeds give the same network.
        seed: Seed of the search.
        field: Path of the limits in what a user gave, for errors.
        settings: Of the evolution.
        on_generation: Called with each generation's number.

    Raises:
        InvalidArgument: No sub-network keeps them, with the smallest possible values.
    """
    violations = limit_violations(limits, field)
    if violations:
        raise InvalidArgument(violations)

    def feasible(genes: Genes) -> np.ndarray:
        kept = [limit.table.of(genes) <= limit.most for limit in limits]
        return np.all(kept, axis=0) if kept else np.ones(len(genes), dtype=bool)

    start = _cheap_start(space, limits, feasible, field)
    purpose = ",".join(f"{limit.name}<={limit.most!r}" for limit in limits)
    generator = np.random.default_rng(derive_seed(seed, f"specialise/{purpose}"))
    return evolve(space, predict, feasible, start, generator, settings, on_generation)


def _cheap_start(space: Space, limits: list[Limit], feasible: Callable[[Genes], np.ndarray], field: str) -> Genes:
    """Return genes that keep all limits: the smallest network, or one that is the cheapest by some table."""
    smallest = np.array(space.encode(space.smallest), dtype=np.int64)
    candidates = [smallest, *(np.array(limit.table.cheapest_genes(), dtype=np.int64) for limit in limits)]
    for genes in candidates:
        if feasible(genes[None])[0]:
            return genes
    names = " and ".join(limit.name for limit in limits)
    raise InvalidArgument.field(field, f"no sub-network was found that keeps {names} together; loosen one")
