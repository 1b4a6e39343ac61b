"""The leaderboard: what entries measured on sets, per set, per group of sets and over all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np

from palmette_plugins.engines.retrieval.measures import OFFICIAL, Measured
from palmette_plugins.engines.retrieval.significance import holm

Test = Callable[[Sequence[float], Sequence[float]], float]
"""From two entries' values per query to a p-value."""


@dataclass(frozen=True)
class Entry:
    """One model on the leaderboard.

    Attributes:
        name: What tables call it.
        kind: lexical, sparse, dense, hybrid, or what a ready run says.
        training_data: What it was trained on; empty where that is not known.
        parameters: Of its model; 0 for none.
        artifact: Id of the artifact that it is; empty for none.
        sets: Per set, what its collections measured (one for an ordinary set).
        costs: Seconds, bytes, queries per second, by name.
    """

    name: str
    kind: str
    training_data: str = ""
    parameters: int = 0
    artifact: str = ""
    sets: dict[str, list[Measured]] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)

    def on(self, name: str, measure: str) -> float:
        """Return the figure on a set: the plain mean over its collections of their means over queries."""
        return fmean(measured.mean(measure) for measured in self.sets[name])

    def queries(self, name: str, measure: str) -> dict[str, float]:
        """Return the values per query of a set; ids get the number of their collection."""
        return {
            f"{number}/{query}": value
            for number, measured in enumerate(self.sets[name])
            for query, value in measured.per_query[measure].items()
        }

    def mean(self, measure: str, names: Sequence[str] | None = None) -> float:
        """Return the plain mean over sets."""
        return fmean(self.on(name, measure) for name in names or self.sets)


def resampled(measured: Measured, generator: np.random.Generator) -> Measured:
    """Return measurements of queries drawn with replacement: a bootstrap sample of as many."""
    names = list(next(iter(measured.per_query.values())))
    drawn = generator.integers(len(names), size=len(names))
    return Measured(
        {
            measure: {f"{place}/{names[index]}": values[names[index]] for place, index in enumerate(drawn)}
            for measure, values in measured.per_query.items()
        }
    )


def corrected_p_values(entries: Sequence[Entry], name: str, test: Test, measure: str = OFFICIAL) -> dict[str, float]:
    """Return, per entry but the best of the set, the Holm-corrected p-value of its difference from the best."""
    best = max(entries, key=lambda entry: entry.on(name, measure))
    values = best.queries(name, measure)
    found = {}
    for entry in entries:
        if entry is not best:
            other = entry.queries(name, measure)
            found[entry.name] = test([other[query] for query in values], list(values.values()))
    return holm(found)


def leaderboard(
    entries: Sequence[Entry], groups: Mapping[str, str], test: Test, measures: Sequence[str]
) -> dict[str, Any]:
    """Return the whole leaderboard as plain JSON.

    Args:
        entries: At least one; all with the same sets.
        groups: Group of each set, "" for none.
        test: The test of differences from the best.
        measures: What was measured.
    """
    names = list(entries[0].sets)
    official = OFFICIAL if OFFICIAL in measures else measures[0]
    p_values = {name: corrected_p_values(entries, name, test, official) for name in names}
    members = {group: [name for name in names if groups[name] == group] for group in dict.fromkeys(groups.values())}
    return {
        "official": official,
        "sets": [{"name": name, "group": groups[name]} for name in names],
        "entries": [
            {
                "model": entry.name,
                "type": entry.kind,
                "training_data": entry.training_data,
                "parameters": entry.parameters,
                "artifact": entry.artifact,
                "sets": {
                    name: {
                        **{measure: entry.on(name, measure) for measure in measures},
                        "p_value": p_values[name].get(entry.name),  # null for the best
                    }
                    for name in names
                },
                "groups": {
                    group: {measure: entry.mean(measure, inside) for measure in measures}
                    for group, inside in members.items()
                    if group
                },
                "mean": {measure: entry.mean(measure) for measure in measures},
                "costs": entry.costs,
            }
            for entry in sorted(entries, key=lambda entry: -entry.mean(official))
        ],
    }


def table_rows(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per model and set, and one per model for the mean over sets."""
    rows = []
    for entry in board["entries"]:
        head = {"model": entry["model"], "type": entry["type"]}
        rows.append({**head, "set": "mean", **entry["mean"], "p_value": None})
        rows += [{**head, "set": name, **values} for name, values in entry["sets"].items()]
    return rows


def as_markdown(board: Mapping[str, Any]) -> str:
    """Return the official measure as a table of models and sets; * marks what differs from the best (p < 0.05)."""
    names = [found["name"] for found in board["sets"]]
    lines = [
        f"{board['official']}; * differs from the best of the set (p < 0.05, Holm)",
        "",
        f"| model | type | {' | '.join(names)} | mean |",
        f"| --- | --- |{' ---: |' * (len(names) + 1)}",
    ]
    for entry in board["entries"]:
        cells = [_cell(entry["sets"][name], board["official"]) for name in names]
        mean = entry["mean"][board["official"]]
        lines.append(f"| {entry['model']} | {entry['type']} | {' | '.join(cells)} | {mean:.4f} |")
    return "\n".join([*lines, ""])


def _cell(values: Mapping[str, Any], official: str) -> str:
    p_value = values["p_value"]
    return f"{values[official]:.4f}{'*' if p_value is not None and p_value < 0.05 else ''}"
