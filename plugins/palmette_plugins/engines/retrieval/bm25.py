"""BM25 as Lucene counts it, over one field or several (bm25s).

score(q, d) = sum over the query's terms of ln(1 + (N - df + 0.5) / (df + 0.5)) tf / (tf + k1 (1 - b + b len / avglen));
N, df and avglen of a field are those of the passages that have the field. Several fields: the sum of their scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import bm25s
import numpy as np
import orjson
from numpy.typing import NDArray

from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.engines.retrieval.analysis import ANALYSERS
from palmette_plugins.engines.retrieval.order import Positions, Scores, best

K1, B = 0.9, 0.4
_DESCRIPTION = "bm25.json"


def flat_fields(passage: Passage) -> tuple[str, ...]:
    """Return title and text as one field."""
    return (passage.full_text,)


def two_fields(passage: Passage) -> tuple[str, ...]:
    """Return title and text as two fields."""
    return (passage.title, passage.text)


class Bm25Index:
    """An index over texts; positions are those of the texts that it was built from.

    Attributes:
        size: Number of texts.
    """

    def __init__(self, size: int, analyser: str, fields: Sequence[tuple[bm25s.BM25, NDArray[np.int64]]]) -> None:
        self.size = size
        self._analyser = analyser
        self._fields = fields  # each with the positions of the texts that have it

    @classmethod
    def build(
        cls, texts: Iterable[tuple[str, ...]], *, k1: float = K1, b: float = B, analyser: str = "english"
    ) -> Bm25Index:
        """Build an index; each text is the tuple of its fields. Terms of all texts are held in memory, 4 bytes each."""
        terms = ANALYSERS[analyser]
        columns: list[_Field] = []
        size = 0
        for size, fields in enumerate(texts, start=1):
            columns += [_Field() for _ in range(len(columns), len(fields))]
            for column, text in zip(columns, fields, strict=True):
                column.add(size - 1, terms(text))
        return cls(size, analyser, [column.index(k1, b) for column in columns if column.positions])

    def scores(self, query: str) -> Scores:
        """Return the score of every text, (N,)."""
        total = np.zeros(self.size, np.float32)
        terms = ANALYSERS[self._analyser](query)
        for index, positions in self._fields:
            known = [term for term in terms if term in index.vocab_dict]
            if known:
                total[positions] += index.get_scores(known)
        return total

    def search(self, query: str, k: int, ranks: Positions) -> tuple[Scores, Positions]:
        """Return scores and positions of the k best texts that share a term with the query; `ranks` as in `best`."""
        return best_matches(self.scores(query), ranks, k)

    def save(self, folder: Path) -> None:
        """Write the index into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, (index, positions) in enumerate(self._fields):
            index.save(str(folder / f"field{number}"), show_progress=False)
            np.save(folder / f"positions{number}.npy", positions)
        described = {"size": self.size, "analyser": self._analyser, "fields": len(self._fields)}
        (folder / _DESCRIPTION).write_bytes(orjson.dumps(described))

    @classmethod
    def load(cls, folder: Path) -> Bm25Index:
        """Return the index of a folder; its scores are memory-mapped."""
        described = orjson.loads((folder / _DESCRIPTION).read_bytes())
        fields = [
            (bm25s.BM25.load(str(folder / f"field{number}"), mmap=True), np.load(folder / f"positions{number}.npy"))
            for number in range(described["fields"])
        ]
        return cls(described["size"], described["analyser"], fields)

    @property
    def size_bytes(self) -> int:
        """Bytes of the scores and their places."""
        parts = ("data", "indices", "indptr")
        return sum(int(index.scores[part].nbytes) for index, _ in self._fields for part in parts)


def best_matches(scores: Scores, ranks: Positions, k: int) -> tuple[Scores, Positions]:
    """Return scores and positions of the k best scores above 0."""
    matching = np.flatnonzero(scores > 0)
    chosen = matching[best(scores[matching], ranks[matching], k)]
    return scores[chosen], chosen


class _Field:
    """One field while an index is built."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self._vocabulary: dict[str, int] = {}  # in order of appearance: equal texts give equal indexes
        self._texts: list[NDArray[np.int32]] = []

    def add(self, position: int, terms: Sequence[str]) -> None:
        if terms:
            numbers = [self._vocabulary.setdefault(term, len(self._vocabulary)) for term in terms]
            self.positions.append(position)
            self._texts.append(np.array(numbers, np.int32))

    def index(self, k1: float, b: float) -> tuple[bm25s.BM25, NDArray[np.int64]]:
        index = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numpy")
        texts = [text.tolist() for text in self._texts]
        index.index((texts, self._vocabulary), create_empty_token=False, show_progress=False)
        return index, np.array(self.positions, np.int64)
