"""From scores to what is kept: the cut, the table, the subset file, and what can be said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from palmette_plugins.datasets.uid_file import write_uids
from palmette_plugins.engines.contrastive.score_shards import ScoreShards
from palmette_plugins.engines.contrastive.scoring import Drop
from palmette_plugins.engines.contrastive.selection import Cut, cut_at, cut_best, share

BINS = 4096
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
TABLE_FILE = "scores.parquet"


@dataclass
class Kept:
    """What was kept of a pool.

    Attributes:
        cut: Where the kept pairs end.
        mask: bool (N,): which pairs are kept, in pool order.
        scored: bool (N,): which have a score.
        edges: Edges of the histogram, (`BINS` + 1,).
        counts: Scores in each of its bins.
        dropped: How many pairs have no score, by cause.
        known: Of the pairs whose captions are known to be right or wrong: (kept, right) -> how many.
    """

    cut: Cut
    mask: NDArray[np.bool_]
    scored: NDArray[np.bool_]
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    dropped: Counter[str] = field(default_factory=Counter)
    known: Counter[tuple[bool, bool]] = field(default_factory=Counter)

    def metrics(self) -> dict[str, float]:
        """Return counts, the cut and quantiles; purity, precision and recall where the truth is known."""
        found = {"pool": float(len(self.mask)), "kept": float(self.mask.sum()), "threshold": self.cut.threshold}
        if not np.isfinite(self.cut.threshold):
            del found["threshold"]
        found |= {f"score/p{quantile * 100:02.0f}": self.quantile(quantile) for quantile in QUANTILES}
        found |= {f"dropped/{cause.value}": float(self.dropped[cause.value]) for cause in Drop}
        right = self.known[True, True] + self.known[False, True]
        total = right + self.known[True, False] + self.known[False, False]
        if total:
            kept = self.known[True, True] + self.known[True, False]
            found["purity/pool"] = right / total
            found["purity/kept"] = self.known[True, True] / max(1, kept)
            found["recall"] = self.known[True, True] / max(1, right)
        return found

    def quantile(self, share_below: float) -> float:
        """Return a quantile of the scores to within a bin of the histogram; NaN of none."""
        total = int(self.counts.sum())
        if total == 0:
            return float("nan")
        index = int(np.searchsorted(np.cumsum(self.counts), share_below * total))
        return float((self.edges[index] + self.edges[index + 1]) / 2)


def keep(shards: ScoreShards, fraction: float | None, threshold: float | None, folder: Path) -> Kept:
    """Cut the scores and write the table and the subset file into `folder`.

    Exactly one of `fraction` (of all pairs of the pool) and `threshold` is given.
    """
    pool = sum(shards.rows)
    cut = cut_at(shards.column, threshold) if threshold is not None else cut_best(shards.column, share(fraction, pool))
    edges, counts = _histogram(shards)
    kept = Kept(cut, np.zeros(pool, np.bool_), np.zeros(pool, np.bool_), edges, counts)
    write_uids(folder / "subset.npy", _written(shards, kept, folder / TABLE_FILE))
    return kept


def _written(shards: ScoreShards, kept: Kept, path: Path) -> Iterator[str]:
    """Write the table row group by row group, fill in `kept`, and yield the kept uids."""
    writer: pq.ParquetWriter | None = None
    first = 0
    try:
        for table, mask in zip(shards.tables(), kept.cut.masks(shards.column), strict=True):
            beyond = first + table.num_rows
            kept.mask[first:beyond] = mask
            kept.scored[first:beyond] = ~np.isnan(_numbers(table))
            kept.dropped.update(cause for cause in table["dropped"].to_pylist() if cause)
            clean = table["clean"].to_pylist()
            kept.known.update(
                (bool(is_kept), bool(right)) for is_kept, right in zip(mask, clean, strict=True) if right is not None
            )
            whole = table.append_column(pa.field("kept", pa.bool_(), nullable=False), pa.array(mask))
            writer = writer or pq.ParquetWriter(path, whole.schema)
            writer.write_table(whole)
            yield from table["uid"].filter(pa.array(mask)).to_pylist()
            first = beyond
    finally:
        if writer is not None:
            writer.close()


def _histogram(shards: ScoreShards) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    low, high = np.inf, -np.inf
    for scores in shards.column():
        finite = scores[np.isfinite(scores)]
        if len(finite):
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        low, high = -1.0, 1.0
    edges = np.linspace(low, high if high > low else low + 1e-9, BINS + 1)
    counts = np.zeros(BINS, np.int64)
    for scores in shards.column():
        counts += np.histogram(scores[np.isfinite(scores)], edges)[0]
    return edges, counts


def _numbers(table: pa.Table) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = table["score"].to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers
