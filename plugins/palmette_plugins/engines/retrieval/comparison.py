"""Comparing retrievers over collections: every model on every set, measured alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np

from palmette_plugins.datasets.collections.dataset import CollectionDataset
from palmette_plugins.datasets.collections.folder import Collection
from palmette_plugins.engines.retrieval.charts import recall_by_depth
from palmette_plugins.engines.retrieval.fusion import reciprocal_rank_fusion
from palmette_plugins.engines.retrieval.leaderboard import Entry, resampled
from palmette_plugins.engines.retrieval.measures import measure_run
from palmette_plugins.engines.retrieval.order import Positions
from palmette_plugins.engines.retrieval.retrievers import Retriever
from palmette_plugins.engines.retrieval.run import RankedRun, without_own_passages, write_run
from palmette_plugins.engines.seeding import derive_seed


@dataclass(frozen=True)
class Place:
    """One collection of one set; `ranks` is the order of its passages among ties."""

    data: CollectionDataset
    collection: Collection
    ranks: Positions

    @property
    def key(self) -> str:
        """Name of the set, or set/collection."""
        alone = len(self.data.members) == 1
        return self.data.name if alone else f"{self.data.name}/{self.collection.name}"


@dataclass(frozen=True)
class Contestant:
    """A model that is to be compared: `entry` tells what it is, `retriever` makes it for a collection."""

    entry: Entry
    retriever: Callable[[Place], Retriever]


@dataclass
class Protocol:
    """How every run is made and measured.

    Attributes:
        split: Whose judgements count.
        hits: Of each query.
        measures: Names of the measures.
        remove_identical: Drop the hit whose id is the query's before anything else.
        resample: Seed by which queries are drawn anew with replacement; None to take each once.
        folder: Where run files go, as <model number>/<place>.trec.
    """

    split: str
    hits: int
    measures: Sequence[str]
    remove_identical: bool
    resample: int | None
    folder: Path
    entries: list[Entry] = field(default_factory=list)
    curves: dict[str, dict[str, list[dict[int, float]]]] = field(default_factory=dict)

    def take(self, entry: Entry, place: Place, run: RankedRun) -> RankedRun:
        """Measure a run of an entry, keep its file, and return it as it was measured."""
        if self.remove_identical:
            run = without_own_passages(run)
        if entry not in self.entries:
            self.entries.append(entry)
        judgements = place.collection.judgements[self.split]
        judged = {query: run[query] for query in judgements if query in run}
        measured = measure_run(judged, judgements, self.measures)
        if self.resample is not None:
            generator = np.random.default_rng(derive_seed(self.resample, f"queries/{place.key}"))
            measured = resampled(measured, generator)
        entry.sets.setdefault(place.data.name, []).append(measured)
        by_set = self.curves.setdefault(entry.name, {})
        by_set.setdefault(place.data.name, []).append(recall_by_depth(judged, judgements))
        file = self.file(entry, place)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_run(file, judged, tag_of(entry.name))
        return judged

    def file(self, entry: Entry, place: Place) -> Path:
        """Return where the run file of an entry on a collection is."""
        return self.folder / str(self.entries.index(entry)) / f"{place.key}.trec"

    def recall_curves(self) -> dict[str, dict[int, float]]:
        """Return, per model, recall by depth: the mean over collections, then over sets."""
        return {model: _mean_curve(list(by_set.values())) for model, by_set in self.curves.items()}


def _mean_curve(sets: Sequence[Sequence[Mapping[int, float]]]) -> dict[int, float]:
    return {depth: fmean(fmean(curve[depth] for curve in members) for members in sets) for depth in sets[0][0]}


def places_of(sets: Sequence[CollectionDataset]) -> Iterator[Place]:
    """Yield every collection of every set, in order."""
    for data in sets:
        for collection in data.members:
            yield Place(data, collection, collection.corpus.descending())


def contest(
    place: Place,
    contestants: Sequence[Contestant],
    protocol: Protocol,
    report: Callable[[int, float], None],
    check: Callable[[], None],
) -> dict[str, RankedRun]:
    """Let every contestant index and search a collection; return the runs by name.

    Args:
        place: The collection.
        contestants: Who takes part.
        protocol: How runs are measured.
        report: Called as ``report(number, share)``, number of the contestant and done share of its indexing.
        check: Called between queries; what it raises comes out.
    """
    queries = place.collection.judged_queries(protocol.split)
    runs = {}
    for number, contestant in enumerate(contestants):
        retriever = contestant.retriever(place)
        retriever.index(_Share(number, report))
        searched = retriever.search(queries, protocol.hits, check)
        runs[contestant.entry.name] = protocol.take(contestant.entry, place, searched.run)
        add_costs(contestant.entry, retriever, searched.seconds, len(queries))
    return runs


def fuse(
    place: Place, entry: Entry, names: Sequence[str], runs: Mapping[str, RankedRun], k: float, protocol: Protocol
) -> RankedRun:
    """Fuse the runs of some entries by reciprocal ranks, as a run of `entry`."""
    return protocol.take(entry, place, reciprocal_rank_fusion([runs[name] for name in names], k, protocol.hits))


def add_costs(entry: Entry, retriever: Retriever, seconds: float, queries: int) -> None:
    """Add what one collection cost to an entry: the sums over collections, and queries per second over all."""
    costs = entry.costs
    added = {
        "index-seconds": retriever.index_seconds,
        "index-bytes": float(retriever.index_bytes),
        "search-seconds": seconds,
        "queries": float(queries),
    }
    for name, value in added.items():
        costs[name] = costs.get(name, 0.0) + value
    costs["qps"] = costs["queries"] / max(costs["search-seconds"], 1e-9)


def tag_of(name: str) -> str:
    """Return a model's name as run files write it: one word."""
    return "".join(part if part.isalnum() or part in "-_." else "_" for part in name)


class _Share:
    def __init__(self, number: int, report: Callable[[int, float], None]) -> None:
        self._number, self._report = number, report

    def __call__(self, share: float) -> None:
        self._report(self._number, share)
