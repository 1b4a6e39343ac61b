"""Integer genes: every open question about a network is one integer, an index into its list of answers.

A question may matter only for some answers to another: the kernel of a block that the network's depth leaves out.
Such a gene is skipped; networks that differ in skipped genes alone are one network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Genes = NDArray[np.int64]  # (N, G), a network per row
Key = tuple[int, ...]  # the canonical genes of one network


class Features(StrEnum):
    """What predictors see of a network."""

    ACTIVE = "active"
    ONEHOT = "onehot"


@dataclass(frozen=True)
class Condition:
    """A gene matters where another gene's answer is at least `least`."""

    gene: str
    least: float


@dataclass(frozen=True)
class Gene:
    """One question.

    Attributes:
        name: Its name, unique in the space.
        values: The answers, in the order of their indices.
        needs: When it matters; always with None.
    """

    name: str
    values: tuple[Any, ...]
    needs: Condition | None = None


class GeneSpace:
    """All networks of one encoding.

    Attributes:
        genes: The questions, in order.
        sizes: Number of answers of each, (G,).
    """

    def __init__(self, genes: Iterable[Gene]) -> None:
        self.genes = tuple(genes)
        self.sizes: Genes = np.array([len(gene.values) for gene in self.genes], dtype=np.int64)
        self._column = {gene.name: column for column, gene in enumerate(self.genes)}
        if len(self._column) != len(self.genes):
            raise ValueError("genes need different names")
        unknown = [gene.name for gene in self.genes if gene.needs and gene.needs.gene not in self._column]
        if unknown:
            raise ValueError(f"{unknown[0]} depends on a gene that is not there")
        self._conditions = [
            (column, self._column[gene.needs.gene], self._enough(gene.needs))
            for column, gene in enumerate(self.genes)
            if gene.needs is not None
        ]

    def _enough(self, needs: Condition) -> NDArray[np.bool_]:
        """Return which answers to the other gene make a gene matter."""
        return np.array([value >= needs.least for value in self.genes[self._column[needs.gene]].values])

    @cached_property
    def fingerprint(self) -> str:
        """The questions as text: spaces are equal where it is."""
        return ";".join(f"{gene.name}={gene.values}|{gene.needs}" for gene in self.genes)

    @property
    def features_length(self) -> int:
        """Length of the features of one network: all answers of all genes."""
        return int(self.sizes.sum())

    @property
    def genotypes(self) -> int:
        """Number of gene vectors; several may be one network."""
        return math.prod(int(size) for size in self.sizes)

    def decode(self, genes: Sequence[int]) -> dict[str, Any]:
        """Return the answer to every question that matters, by name."""
        row = np.asarray(genes, dtype=np.int64)[None]
        active = self.active(row)[0]
        return {
            gene.name: gene.values[int(index)]
            for gene, index, matters in zip(self.genes, row[0], active, strict=True)
            if matters
        }

    def encode(self, configuration: Mapping[str, Any]) -> Key:
        """Return the canonical genes of a configuration; ``decode(encode(c)) == c``."""
        return tuple(
            gene.values.index(configuration[gene.name]) if gene.name in configuration else 0 for gene in self.genes
        )

    def active(self, genes: Genes) -> NDArray[np.bool_]:
        """Return which genes matter, (N, G)."""
        matters = np.ones(genes.shape, dtype=bool)
        for column, other, enough in self._conditions:
            matters[:, column] = enough[genes[:, other]]
        return matters

    def canonical(self, genes: Genes) -> Genes:
        """Return the rows with 0 for genes that do not matter: equal rows are equal networks."""
        return np.where(self.active(genes), genes, 0)

    def keys(self, genes: Genes) -> list[Key]:
        """Return the identity of every row's network."""
        return [tuple(int(index) for index in row) for row in self.canonical(genes)]

    def features(self, genes: Genes, kind: Features = Features.ACTIVE) -> NDArray[np.float64]:
        """Return the concatenated one-hot answers of each row, (N, `features_length`).

        ``active`` leaves genes that do not matter at zero, so that equal networks have equal features.
        """
        shown = self.active(genes) if kind is Features.ACTIVE else np.ones(genes.shape, dtype=bool)
        parts = [
            (genes[:, column, None] == np.arange(size)) & shown[:, column, None]
            for column, size in enumerate(self.sizes)
        ]
        return np.concatenate(parts, axis=1).astype(np.float64)

    def draw(self, count: int, generator: np.random.Generator, known: Iterable[Key] = ()) -> Genes:
        """Draw up to `count` different networks that are not `known`, every gene uniform over its answers.

        Row i does not depend on `count`. Fewer come back where the space has no more (none was found in many draws).
        """
        seen, misses = set(known), 0
        rows: list[NDArray[np.int64]] = []
        while len(rows) < count and misses < _PATIENCE:
            row = np.minimum((generator.random(len(self.sizes)) * self.sizes).astype(np.int64), self.sizes - 1)
            (key,) = self.keys(row[None])
            if key in seen:
                misses += 1
                continue
            misses = 0
            seen.add(key)
            rows.append(row)
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self.sizes))


_PATIENCE = 2000  # draws without anything new, after which a space counts as exhausted
