"""What a multi-objective search ends with: the front of measured networks, its tables and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from palmette_plugins.engines.multi_objective.archive import Archive, table_rows
from palmette_plugins.engines.multi_objective.charts import front_chart
from palmette_plugins.engines.multi_objective.fronts import first_front, hypervolume_curve, knee, overlap
from palmette_plugins.engines.multi_objective.genes import Key
from palmette_plugins.engines.multi_objective.objectives import (
    Limit,
    Objective,
    column,
    feasible,
    losses,
    relative_losses,
)
from palmette_plugins.nas.search_settings import Extract


class SearchResults:
    """The analysis of an archive; every front is one of measured networks.

    Attributes:
        archive: The archive.
        objectives: What was optimised.
        limits: What results must meet.
    """

    def __init__(self, archive: Archive, objectives: Sequence[Objective], limits: Sequence[Limit]) -> None:
        self.archive = archive
        self.objectives = tuple(objectives)
        self.limits = tuple(limits)

    @cached_property
    def front(self) -> list[int]:
        """Entries that meet the limits and that no such entry beats, the best in the first objective first."""
        rows = self.archive.rows
        found = first_front(losses(rows, self.objectives), feasible(rows, self.limits))
        return sorted((int(index) for index in found), key=lambda index: self._losses[index, 0])

    @cached_property
    def curve(self) -> list[float]:
        """The hypervolume after each measurement, from 0 to 1 relative to the reference point."""
        rows = self.archive.rows
        relative = relative_losses(rows, self.objectives)
        return hypervolume_curve(relative, np.ones(len(self.objectives)), feasible(rows, self.limits))

    @property
    def _losses(self) -> Any:
        return losses(self.archive.rows, self.objectives)

    def chosen(self, extract: Extract) -> list[int]:
        """Return the entries of the front that become models: all, the knee, or the best in the first objective."""
        if extract is Extract.ALL:
            return self.front
        if extract is Extract.BEST:
            return self.front[:1]
        return [self.front[knee(self._losses[self.front])]]

    def front_keys(self) -> list[Key]:
        """Return the identities of the front's networks."""
        return [self.archive.keys[index] for index in self.front]

    def front_rows(self) -> list[dict[str, Any]]:
        """Return the front as a table."""
        return table_rows(self.archive, self.front)

    def metrics(self) -> dict[str, float]:
        """Return the hypervolume, the size of the front, and the best value of each objective on it."""
        found = {
            "hypervolume": self.curve[-1],
            "measurements": float(len(self.archive)),
            "front": float(len(self.front)),
            "rounds": 1.0 + max(entry.round for entry in self.archive.entries),
        }
        for objective in self.objectives:
            values = column([self.archive.rows[index] for index in self.front], objective.name)
            found[f"best/{objective.name}"] = float(values.max() if objective.maximise else values.min())
        return found

    def round_fronts(self) -> list[dict[str, Any]]:
        """Return where the search stood after each round: ``measurements``, ``front`` (entries), ``hypervolume``."""
        rounds = [entry.round for entry in self.archive.entries]
        found = []
        for number in sorted(set(rounds)):
            count = max(index for index, value in enumerate(rounds) if value == number) + 1
            part = SearchResults(
                Archive(self.archive.space, self.archive.entries[:count]), self.objectives, self.limits
            )
            row = {"round": number, "measurements": count, "front": part.front, "hypervolume": self.curve[count - 1]}
            found.append(row)
        return found

    def overlap(self, other: SearchResults) -> float:
        """Return the share of the two fronts' networks that both have, from 0 to 1."""
        return overlap(self.front_keys(), other.front_keys())

    def chart(self) -> Any:
        """Return the picture of the front in its first two objectives, a cost across and a quality up."""
        names = [objective.name for objective in sorted(self.objectives, key=lambda item: item.maximise)][:2]
        across, up = names if len(names) > 1 else ("number", names[0])
        on_front = set(self.front)
        rows = [
            {**{name: row[name] for name in names}, "number": index, "round": row["round"], "front": index in on_front}
            for index, row in enumerate(table_rows(self.archive))
        ]
        return front_chart(rows, across, up)
