"""Indexes of dense vectors behind one interface: faiss here, an external engine as another subclass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.engines.retrieval.order import Positions, Scores
from palmette_plugins.engines.retrieval.text_encoder import Vectors

INDEX_FILE = "index.faiss"
_CENTROIDS = 256  # of a sub-vector: 8 bits


class IndexKind(Enum):
    """How vectors are kept and searched."""

    FLAT = "flat"
    IVF = "ivf"
    PQ = "pq"
    OPQ = "opq"
    IVF_PQ = "ivf_pq"
    HNSW = "hnsw"


class IndexSettings(BaseModel):
    """What an index is made of. All search by inner product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: IndexKind = Field(IndexKind.FLAT, description="flat is exact; the others trade recall for speed or memory")
    nlist: int = Field(64, ge=1, description="ivf, ivf_pq: cells that the vectors are sorted into")
    nprobe: int = Field(8, ge=1, description="ivf, ivf_pq: cells that a query looks into")
    subvectors: int = Field(16, ge=1, description="pq, opq, ivf_pq: sub-vectors, one byte each; must divide d")
    neighbours: int = Field(32, ge=2, description="hnsw: links of each vector")
    ef_construction: int = Field(200, ge=1, description="hnsw: candidates while building")
    ef_search: int = Field(64, ge=1, description="hnsw: candidates while searching")

    def violations(self, dimension: int, count: int, field: str = "config.index") -> list[FieldViolation]:
        """Return what is wrong with the settings for so many vectors of such a dimension."""
        found = []
        if self.kind in (IndexKind.PQ, IndexKind.OPQ, IndexKind.IVF_PQ):
            if dimension % self.subvectors:
                found.append((f"{field}.subvectors", f"must divide the dimension {dimension}, got {self.subvectors}"))
            if count < _CENTROIDS:
                found.append((f"{field}.kind", f"needs at least {_CENTROIDS} vectors to learn its codes, got {count}"))
        if self.kind in (IndexKind.IVF, IndexKind.IVF_PQ) and self.nlist > count:
            found.append((f"{field}.nlist", f"must be at most the number of vectors, {count}, got {self.nlist}"))
        return [FieldViolation(name, text) for name, text in found]


class VectorIndex(ABC):
    """Vectors that can be searched; positions are those in which they were added, from 0."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of vectors."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """How many numbers a vector has."""

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """Bytes that the index takes."""

    @abstractmethod
    def search(self, queries: Vectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and positions (Q, k), best first; position -1 where there are fewer."""


class FaissIndex(VectorIndex):
    """An index of faiss, in memory or mapped into it."""

    def __init__(self, index: Any, size_bytes: int) -> None:
        self._index = index
        self._size_bytes = size_bytes

    @classmethod
    def build(
        cls, chunks: Iterable[Vectors], settings: IndexSettings, *, training: Vectors, count: int, seed: int = 0
    ) -> FaissIndex:
        """Build an index.

        Args:
            chunks: All vectors (n, d), part by part.
            settings: What to build.
            training: Vectors that cells and codes are learned from: all, or a sample of them.
            count: How many vectors there will be.
            seed: Of the k-means.

        Raises:
            InvalidArgument: The settings do not suit the vectors; fields below ``config.index``.
        """
        violations = settings.violations(training.shape[1], min(count, len(training)))
        if violations:
            raise InvalidArgument(violations)
        index = _empty(settings, training.shape[1], seed)
        if not index.is_trained:
            index.train(np.ascontiguousarray(training, np.float32))
        for chunk in chunks:
            index.add(np.ascontiguousarray(chunk, np.float32))
        return cls(index, len(faiss.serialize_index(index)) if index.ntotal < 1_000_000 else _codes_bytes(index))

    def save(self, file: Path) -> None:
        """Write the index."""
        faiss.write_index(self._index, str(file))

    @classmethod
    def load(cls, file: Path, settings: IndexSettings | None = None) -> FaissIndex:
        """Return the index of a file, mapped: pages are read as searches touch them, so it may exceed the memory.

        `settings` set what searching takes (`nprobe`, `ef_search`); without them what the file says stays.
        """
        index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
        if settings is not None:
            _set_search(index, settings)
        return cls(index, file.stat().st_size)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self._index.d)

    @property
    def size_bytes(self) -> int:
        """Bytes of the index as a file."""
        return self._size_bytes

    def search(self, queries: Vectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and positions (Q, k), best first; position -1 where there are fewer."""
        scores, positions = self._index.search(np.ascontiguousarray(queries, np.float32), k)
        return scores, positions

    def decoded(self, position: int) -> Vectors:
        """Return the vector that the index keeps, as its codes have it."""
        vector: Vectors = self._index.reconstruct(position)
        return vector

    @property
    def faiss(self) -> Any:
        """faiss's own object, for what this interface does not cover."""
        return self._index


def recall_against(exact: Sequence[Sequence[int]], found: Sequence[Sequence[int]], k: int) -> float:
    """Return the mean share of the exact first k that another index finds among its first k."""
    shares = [len({*truth[:k]} & {*hits[:k]}) / len(truth[:k]) for truth, hits in zip(exact, found, strict=True)]
    return float(np.mean(shares))


def hits_of(index: VectorIndex, queries: Vectors, k: int) -> list[tuple[Scores, Positions]]:
    """Return scores and positions of each query's hits, without the empty places."""
    scores, positions = index.search(queries, min(k, len(index)))
    return [(row[places >= 0], places[places >= 0]) for row, places in zip(scores, positions, strict=True)]


def _empty(settings: IndexSettings, dimension: int, seed: int) -> Any:
    kind, metric = settings.kind, faiss.METRIC_INNER_PRODUCT
    codes = f"PQ{settings.subvectors}np"  # "np": without the slow training for Hamming distances, which nobody asks for
    factory = {
        IndexKind.FLAT: "Flat",
        IndexKind.IVF: f"IVF{settings.nlist},Flat",
        IndexKind.PQ: codes,
        IndexKind.OPQ: f"OPQ{settings.subvectors},{codes}",
        IndexKind.IVF_PQ: f"IVF{settings.nlist},{codes}",
        IndexKind.HNSW: f"HNSW{settings.neighbours},Flat",
    }[kind]
    index = faiss.index_factory(dimension, factory, metric)
    if kind in (IndexKind.IVF, IndexKind.IVF_PQ):
        index.cp.seed = seed % 2**31
    if kind in (IndexKind.PQ, IndexKind.IVF_PQ):
        index.pq.cp.seed = seed % 2**31
    if kind is IndexKind.HNSW:
        index.hnsw.efConstruction = settings.ef_construction
    _set_search(index, settings)
    return index


def _set_search(index: Any, settings: IndexSettings) -> None:
    if settings.kind in (IndexKind.IVF, IndexKind.IVF_PQ):
        index.nprobe = min(settings.nprobe, settings.nlist)
    if settings.kind is IndexKind.HNSW:
        index.hnsw.efSearch = settings.ef_search


def _codes_bytes(index: Any) -> int:
    """Return about how many bytes a large index takes, without making a copy of it to count."""
    width = index.sa_code_size() if hasattr(index, "sa_code_size") else 4 * index.d
    return int(index.ntotal * width)
