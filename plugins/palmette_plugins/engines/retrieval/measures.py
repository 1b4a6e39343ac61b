"""Measures of runs: those of ir-measures, capped recall, and holes in the judgements.

Every judged query counts; one without results counts 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import ir_measures

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.collections.judgements import Judgements
from palmette_plugins.engines.retrieval.run import Ranked, RankedRun

OFFICIAL = "nDCG@10"
DEFAULT = (OFFICIAL, "nDCG@100", "R@10", "R@100", "R@1000", "AP@100", "RR@10", "R_cap@100", "Hole@10")
_QUERIES_AT_ONCE = 256  # ir-measures wants every hit as Python objects

PerQuery = dict[str, float]
"""Value by query id."""


@dataclass(frozen=True)
class Measured:
    """What a run measured: per measure and judged query."""

    per_query: Mapping[str, PerQuery]

    def mean(self, measure: str) -> float:
        """Return the mean over the judged queries."""
        return fmean(self.per_query[measure].values())

    def means(self) -> dict[str, float]:
        """Return the mean of every measure."""
        return {measure: self.mean(measure) for measure in self.per_query}


def check_measures(names: Iterable[str]) -> None:
    """Raise `ValueError` for a name that is no measure."""
    for name in names:
        _measure(name)


def measure_run(run: RankedRun, judgements: Judgements, names: Sequence[str] = DEFAULT) -> Measured:
    """Measure a run.

    Args:
        run: Ranked hits by query; queries that nobody judged do not count.
        judgements: Of one split.
        names: Such as ``nDCG@10`` (linear gain), ``R@100``, ``AP@100``, ``RR@10``, ``R_cap@100``, ``Hole@10``, or any
            other measure of ir-measures.

    Raises:
        InvalidArgument: A name is no measure.
    """
    try:
        measures = {name: _measure(name) for name in names}
    except ValueError as error:
        raise InvalidArgument.field("config.metrics", str(error)) from None
    per_query: dict[str, PerQuery] = {name: dict.fromkeys(judgements, 0.0) for name in names}
    library = {measure: name for name, measure in measures.items() if isinstance(measure, ir_measures.Measure)}
    queries = list(judgements)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        chunk = queries[start : start + _QUERIES_AT_ONCE]
        judged = {query: dict(judgements[query]) for query in chunk}
        hits = {query: _scores(run[query]) for query in chunk if query in run}
        if library:
            for value in ir_measures.iter_calc(list(library), judged, hits):
                per_query[library[value.measure]][value.query_id] = value.value
        for name, measure in measures.items():
            if not isinstance(measure, ir_measures.Measure):
                per_query[name] |= {query: measure(run[query], judgements[query]) for query in hits}
    return Measured(per_query)


def capped_recall(hits: Ranked, grades: Mapping[str, int], k: int) -> float:
    """Return the relevant ones among the first k hits over the most that there could be, min(k, relevant)."""
    relevant = {passage for passage, grade in grades.items() if grade > 0}
    return len(relevant.intersection(hits.ids[:k])) / min(k, len(relevant)) if relevant else 0.0


def hole(hits: Ranked, grades: Mapping[str, int], k: int) -> float:
    """Return the share of the first k hits that nobody judged for this query."""
    top = hits.ids[:k]
    return sum(passage not in grades for passage in top) / len(top) if top else 0.0


_OURS: Mapping[str, Callable[[Ranked, Mapping[str, int], int], float]] = {"R_cap": capped_recall, "Hole": hole}


def _measure(name: str) -> Callable[[Ranked, Mapping[str, int]], float] | ir_measures.Measure:
    family, _, cutoff = name.partition("@")
    if family in _OURS:
        if not cutoff.isdecimal() or int(cutoff) < 1:
            raise ValueError(f"'{name}' needs a cutoff, such as {family}@10")
        return lambda hits, grades: _OURS[family](hits, grades, int(cutoff))
    try:
        return ir_measures.parse_measure(name)
    except (ValueError, NameError, TypeError) as error:
        raise ValueError(f"'{name}' is no measure ({error}); write such as nDCG@10, R@100, AP@100, RR@10") from None


def _scores(hits: Ranked) -> dict[str, float]:
    return dict(zip(hits.ids, hits.scores.tolist(), strict=True))
