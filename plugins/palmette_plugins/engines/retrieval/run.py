"""Runs: what a retriever returned for each query, in TREC's format on disk.

A line is ``query Q0 passage rank score tag``. Scores are single precision, as trec_eval reads them, and are written
with as many digits as tell them apart, so a run that was read again ranks and measures alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.collections.passages import first_few
from palmette_plugins.engines.retrieval.order import Scores


@dataclass(frozen=True)
class Ranked:
    """The hits of one query, best first.

    Attributes:
        ids: Passage ids.
        scores: (hits,), float32.
    """

    ids: Sequence[str]
    scores: Scores

    def without(self, identifier: str) -> Ranked:
        """Return the hits without one passage: a query that is in the corpus finds itself first."""
        if identifier not in self.ids:
            return self
        kept = [index for index, name in enumerate(self.ids) if name != identifier]
        return Ranked([self.ids[index] for index in kept], self.scores[kept])


RankedRun = Mapping[str, Ranked]
"""Hits by query id."""


def ranked(ids: Sequence[str], scores: Iterable[float] | NDArray[np.floating], most: int | None = None) -> Ranked:
    """Return hits in order: by score, of equal ones the last id first."""
    values = np.asarray(list(scores), np.float32)
    descending = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
    order = sorted(descending, key=lambda index: -values[index])[:most]
    return Ranked([ids[index] for index in order], values[order])


def without_own_passages(run: RankedRun) -> dict[str, Ranked]:
    """Return a run without the hits whose id is the query's own."""
    return {query: hits.without(query) for query, hits in run.items()}


def write_run(file: Path, run: RankedRun, tag: str) -> None:
    """Write a run in TREC's format; equal runs give equal bytes."""
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for query, hits in run.items():
            for rank, (identifier, score) in enumerate(zip(hits.ids, hits.scores, strict=True), start=1):
                stream.write(f"{query} Q0 {identifier} {rank} {score} {tag}\n")


def read_run(file: Path, queries: Mapping[str, str], field: str) -> dict[str, Ranked]:
    """Return the run of a file, ordered by its scores (ranks are ignored, as trec_eval does).

    Args:
        file: In TREC's format.
        queries: The collection's queries by id.
        field: The field that errors name.

    Raises:
        InvalidArgument: A line has not six columns, a score is no finite number, a passage is there twice for one
            query, or a query is unknown.
    """
    found: dict[str, dict[str, float]] = {}
    with file.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            columns = line.split()
            if not columns:
                continue
            where = f"line {number} of the run {file.name}"
            if len(columns) != 6:
                raise InvalidArgument.field(field, f"{where} must be: query Q0 passage rank score tag")
            query, _, passage, _, text, _ = columns
            hits = found.setdefault(query, {})
            if passage in hits:
                raise InvalidArgument.field(field, f"{where} has '{passage}' a second time for query '{query}'")
            hits[passage] = _score(text, where, field)
    unknown = [query for query in found if query not in queries]
    if unknown:
        raise InvalidArgument.field(
            field, f"the run {file.name} has {len(unknown)} unknown queries: {first_few(unknown)}"
        )
    return {query: ranked(list(hits), hits.values()) for query, hits in found.items()}


def _score(text: str, where: str, field: str) -> float:
    try:
        score = float(text)
    except ValueError:
        raise InvalidArgument.field(field, f"{where} has the score '{text}', not a number") from None
    if not np.isfinite(np.float32(score)):
        raise InvalidArgument.field(field, f"{where} has the score '{text}'; scores must be finite")
    return score
