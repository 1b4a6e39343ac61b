"""Retrievers: a model over a collection, from queries to a run.

Each is built for one collection, says what it cost, and searches all queries at once.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from palmette_plugins.datasets.collections.passages import Corpus
from palmette_plugins.engines.retrieval.bm25 import K1, B, Bm25Index, best_matches, flat_fields, two_fields
from palmette_plugins.engines.retrieval.exact import exact_search
from palmette_plugins.engines.retrieval.order import Positions, Scores
from palmette_plugins.engines.retrieval.run import Ranked
from palmette_plugins.engines.retrieval.shards import VectorShards, encode_texts
from palmette_plugins.engines.retrieval.text_encoder import Role, TextEncoder
from palmette_plugins.engines.retrieval.windows import windows_of

Report = Callable[[float], None]
"""Called often with the done share of an indexing; what it raises (a cancelled job) comes out."""

_QUANTUM = 256 / 5  # of learned word weights
_SPARSE_TEXTS = 512


@dataclass(frozen=True)
class Searched:
    """A run, and what it cost.

    Attributes:
        run: Hits by query.
        seconds: Of the search, the encoding of queries included.
    """

    run: dict[str, Ranked]
    seconds: float


class Retriever(ABC):
    """A model over one collection.

    Attributes:
        kind: ``lexical``, ``sparse`` or ``dense``.
        corpus: The passages.
        index_seconds: How long indexing took, as far as this attempt did it.
        index_bytes: What the index takes.
    """

    kind: str

    def __init__(self, corpus: Corpus, ranks: Positions) -> None:
        self.corpus = corpus
        self.index_seconds = 0.0
        self.index_bytes = 0
        self._ranks = ranks

    @abstractmethod
    def build(self, report: Report) -> None:
        """Index the collection."""

    @abstractmethod
    def hits(self, queries: Sequence[str], k: int, check: Callable[[], None]) -> list[tuple[Scores, Positions]]:
        """Return scores and positions of each query's k best passages."""

    def index(self, report: Report) -> None:
        """Index the collection and measure how long it takes."""
        started_s = time.perf_counter()
        self.build(report)
        self.index_seconds = time.perf_counter() - started_s

    def search(self, queries: Mapping[str, str], k: int, check: Callable[[], None]) -> Searched:
        """Return the run of queries (id -> text)."""
        started_s = time.perf_counter()
        found = self.hits(list(queries.values()), k, check)
        seconds = time.perf_counter() - started_s
        run = {
            query: Ranked([self.corpus.id(int(position)) for position in positions], scores)
            for query, (scores, positions) in zip(queries, found, strict=True)
        }
        return Searched(run, seconds)


class LexicalRetriever(Retriever):
    """BM25 over one field or two."""

    kind = "lexical"

    def __init__(
        self,
        corpus: Corpus,
        ranks: Positions,
        *,
        multifield: bool,
        segmented: bool = False,
        k1: float = K1,
        b: float = B,
    ) -> None:
        super().__init__(corpus, ranks)
        self._fields = two_fields if multifield else flat_fields
        self._segmented = segmented
        self._parameters = {"k1": k1, "b": b}
        self._begins: Positions | None = None

    def build(self, report: Report) -> None:
        """Build the inverted index."""
        report(0.0)
        if self._segmented:
            texts, owners = windows_of(self.corpus)
            self._begins = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
            self._index = Bm25Index.build(((text,) for text in texts), **self._parameters)
        else:
            self._index = Bm25Index.build((self._fields(passage) for passage in self.corpus), **self._parameters)
        self.index_bytes = self._index.size_bytes
        report(1.0)

    def hits(self, queries: Sequence[str], k: int, check: Callable[[], None]) -> list[tuple[Scores, Positions]]:
        """Score every passage, by its best window where there are windows."""
        found = []
        for query in queries:
            check()
            scores = self._index.scores(query)
            if self._begins is not None:
                scores = np.maximum.reduceat(scores, self._begins)
            found.append(best_matches(scores, self._ranks, k))
        return found


class DenseRetriever(Retriever):
    """Vectors of passages, searched exactly."""

    kind = "dense"

    def __init__(
        self,
        corpus: Corpus,
        ranks: Positions,
        encoder: TextEncoder,
        shards: VectorShards,
        *,
        segmented: bool = False,
        batch_size: int = 128,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(corpus, ranks)
        self._encoder, self._shards = encoder, shards
        self._segmented, self._batch_size, self._device = segmented, batch_size, device
        self._owners: NDArray[np.int64] | None = None

    def build(self, report: Report) -> None:
        """Encode what is not encoded yet."""
        windows: list[str] = []
        if self._segmented:
            windows, self._owners = windows_of(self.corpus)
        count = len(windows) if self._segmented else len(self.corpus)

        def texts(first: int, end: int) -> list[str]:
            if self._segmented:
                return windows[first:end]
            return [self.corpus[position].full_text for position in range(first, end)]

        encode_texts(
            self._encoder,
            count,
            texts,
            self._shards,
            batch_size=self._batch_size,
            report=lambda done: report(done / max(1, count)),
        )
        self.index_bytes = self._shards.size_bytes

    def hits(self, queries: Sequence[str], k: int, check: Callable[[], None]) -> list[tuple[Scores, Positions]]:
        """Encode the queries and compare them with every passage."""
        vectors = self._encoder.encode(queries, Role.QUERY, self._batch_size, check)
        return exact_search(vectors, self._shards, self._ranks, k, owners=self._owners, device=self._device)


class SparseRetriever(Retriever):
    """Learned weights of words (SPLADE, uniCOIL), quantised to w -> round(256 w / 5); inner products."""

    kind = "sparse"

    def __init__(self, corpus: Corpus, ranks: Positions, encoder: TextEncoder, *, batch_size: int = 128) -> None:
        super().__init__(corpus, ranks)
        self._encoder, self._batch_size = encoder, batch_size

    def build(self, report: Report) -> None:
        """Encode all passages into one sparse matrix (words, passages)."""
        rows = []
        for first in range(0, len(self.corpus), _SPARSE_TEXTS):
            report(first / len(self.corpus))
            chosen = range(first, min(first + _SPARSE_TEXTS, len(self.corpus)))
            texts = [self.corpus[position].full_text for position in chosen]
            rows.append(self._quantised(texts, Role.PASSAGE, lambda: report(first / len(self.corpus))))  # noqa: B023
        self._weights = sparse.vstack(rows, format="csr").T.tocsr()
        self.index_bytes = sum(
            part.nbytes for part in (self._weights.data, self._weights.indices, self._weights.indptr)
        )

    def hits(self, queries: Sequence[str], k: int, check: Callable[[], None]) -> list[tuple[Scores, Positions]]:
        """Encode the queries and add up the products of the words that they share with passages."""
        weights = self._quantised(queries, Role.QUERY, check)
        found = []
        for row in range(len(queries)):
            check()
            scores = (weights[row] @ self._weights).toarray()[0].astype(np.float32)
            found.append(best_matches(scores, self._ranks, k))
        return found

    def _quantised(self, texts: Sequence[str], role: Role, check: Callable[[], None]) -> sparse.csr_matrix:
        dense = self._encoder.encode(texts, role, self._batch_size, check)
        return sparse.csr_matrix(quantise(dense))


def quantise(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights as whole numbers, round(256 w / 5)."""
    return np.round(weights * _QUANTUM).astype(np.float32)
