"""Collections made of texts that are installed: every query is known to be answered by the passages it came from."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from palmette_plugins.api.data import DataInfo, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.cache import cached_folder
from palmette_plugins.datasets.collections.dataset import CollectionDataset, collection_dataset
from palmette_plugins.datasets.collections.folder import Collection, read_collection, write_collection
from palmette_plugins.datasets.collections.judgements import SPLITS
from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.datasets.limits import LimitParameters, limited_sizes
from palmette_plugins.datasets.splitting import stable_order

_FRACTIONS = (0.8, 0.1)  # of the queries: train, validation; the rest is the test split
_LAYOUT = 1  # of what is cached; a higher number makes it anew


@dataclass(frozen=True)
class KnownItem:
    """A passage, and the queries that it answers."""

    passage: Passage
    queries: tuple[str, ...]


class CollectionParameters(LimitParameters):
    """Parameters of collections of known items; the limits count queries."""

    documents: int | None = Field(None, ge=10, description="passages, drawn at random; all when left out")
    seed: int = Field(0, ge=0, description="which passages, and which queries are in which split")


class KnownItems(DatasetSource):
    """Base of the installed collections. What was made once is kept in the user's cache, in the layout of BEIR."""

    name: ClassVar[str]
    parameters: ClassVar[type[CollectionParameters]] = CollectionParameters
    group: ClassVar[str] = ""

    @abstractmethod
    def files(self) -> Sequence[Path]:
        """Return the files that the texts come from; raise `NotFound` saying how to get them."""

    @abstractmethod
    def items(self, parameters: CollectionParameters) -> Sequence[KnownItem]:
        """Return all passages with their queries."""

    def describe(self, reference: Reference) -> DataInfo:
        """Return the judged queries per split; the first time, the collection is made."""
        return self.load(reference).info

    def load(self, reference: Reference) -> CollectionDataset:
        """Return the collection."""
        if reference.target:
            raise InvalidArgument.field(
                "reference", f"{self.name} takes no target; write {self.name}, not '{reference}'"
            )
        parameters = parse_parameters(self.parameters, reference)
        complete = str(Reference(self.name, "", as_text(parameters)))
        return collection_dataset(complete, (self._collection(complete, parameters),), self.group)

    def _collection(self, complete: str, parameters: CollectionParameters) -> Collection:
        state = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in self.files()]
        key = hashlib.sha256(repr((_LAYOUT, complete, state)).encode()).hexdigest()[:16]

        def fill(folder: Path) -> None:
            write_known_items(folder, self.items(parameters), parameters)

        return read_collection(cached_folder(f"{self.name}-{key}", fill), self.name)


def write_known_items(folder: Path, items: Sequence[KnownItem], parameters: CollectionParameters) -> None:
    """Write the collection of some items; a query of several passages is one query with several answers.

    Raises:
        InvalidArgument: A limit is out of range; field ``reference``.
    """
    chosen = _chosen(items, parameters)
    answers: dict[str, list[str]] = {}
    for item in chosen:
        for query in item.queries:
            answers.setdefault(query, []).append(item.passage.id)
    texts = {f"q{number}": query for number, query in enumerate(answers, start=1)}
    order = [list(texts)[index] for index in stable_order(list(answers), parameters.seed)]
    judged = {query: dict.fromkeys(answers[text], 1) for query, text in texts.items()}
    splits = {split: {query: judged[query] for query in part} for split, part in _split(order, parameters).items()}
    write_collection(
        folder, (item.passage for item in chosen), texts, {name: part for name, part in splits.items() if part}
    )


def _chosen(items: Sequence[KnownItem], parameters: CollectionParameters) -> Sequence[KnownItem]:
    if parameters.documents is None:
        return items
    if parameters.documents > len(items):
        raise InvalidArgument.field("reference", f"documents must be at most {len(items)}, got {parameters.documents}")
    order = stable_order(range(len(items)), parameters.seed)  # not over ids: items may be read only when chosen
    return [items[index] for index in sorted(order[: parameters.documents])]


def _split(order: Sequence[str], parameters: CollectionParameters) -> Mapping[str, Sequence[str]]:
    ends = [round(sum(_FRACTIONS[:count]) * len(order)) for count in (1, 2)]
    parts = dict(zip(SPLITS, (order[: ends[0]], order[ends[0] : ends[1]], order[ends[1] :]), strict=True))
    sizes = limited_sizes({name: len(part) for name, part in parts.items()}, parameters)
    return {name: part[: sizes[name]] for name, part in parts.items()}
