"""Scores of a pool, shard by shard: finished ones are files of the job's checkpoint, so a resumed job skips them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from palmette_plugins.api.artifacts.disk import disk_errors
from palmette_plugins.datasets.pair_pool import PairPool, PairShard
from palmette_plugins.engines.contrastive.scoring import Drop, PairScorer, ScoredPair
from palmette_plugins.engines.contrastive.selection import Scores

if TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext

SCHEMA = pa.schema(
    [
        pa.field("uid", pa.string(), nullable=False),
        pa.field("score", pa.float32()),  # null where the pair was dropped
        pa.field("dropped", pa.string()),  # why
        pa.field("clean", pa.bool_()),  # whether the caption is known to be right
    ]
)
_ROWS = 65_536  # of a score file, read at a time


class ScoreShards:
    """The score files of one job. No more than one shard's scores are in memory."""

    def __init__(self, job: JobContext, pool: PairPool) -> None:
        self._job = job
        self._pool = pool
        self._fs, root = fsspec.core.url_to_fs(job.spec.checkpoint_url)
        self._folder = f"{str(root).rstrip('/')}/scores"
        self.rows: list[int] = []  # pairs of each shard, once it is scored

    def score(self, scorer: PairScorer, progress: tuple[float, float]) -> int:
        """Score what is not scored yet; return how many shards an earlier attempt had done."""
        shards = self._pool.shards()
        self._fs.makedirs(self._folder, exist_ok=True)
        low, high = progress
        found = done = 0
        for number, shard in enumerate(shards):
            path = self._path(number)
            if self._fs.exists(path):
                found += 1
                done += self._count(path)
            else:
                done = self._score_shard(path, shard, scorer, done, low, high)
            self.rows.append(self._count(path))
        return found

    def column(self) -> Iterator[Scores]:
        """Go through the scores in pool order, NaN where there is none."""
        for table in self.tables(["score"]):
            yield table["score"].to_numpy(zero_copy_only=False).astype(np.float64)

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Go through the rows in pool order, shard by shard."""
        for number in range(len(self.rows)):
            with self._fs.open(self._path(number), "rb") as stream:
                yield pq.read_table(stream, columns=columns)

    def _score_shard(
        self, path: str, shard: PairShard, scorer: PairScorer, before: int, low: float, high: float
    ) -> int:
        scored: list[ScoredPair] = []
        total = max(1, self._pool.size)
        for batch in scorer.scored(shard.pairs()):
            scored += batch
            done = before + len(scored)
            self._job.progress(low + (high - low) * done / total, f"scored {done:,} of {total:,} pairs")
        self._write(path, table_of(scored))
        return before + len(scored)

    def _write(self, path: str, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=_ROWS)
        with disk_errors("keeping the scores of a shard"):
            self._fs.pipe_file(f"{path}.part", sink.getvalue().to_pybytes())
            self._fs.mv(f"{path}.part", path)

    def _count(self, path: str) -> int:
        with self._fs.open(path, "rb") as stream:
            count: int = pq.read_metadata(stream).num_rows
        return count

    def _path(self, number: int) -> str:
        return f"{self._folder}/{number:08d}.parquet"


def table_of(scored: list[ScoredPair]) -> pa.Table:
    """Return scores as a table of `SCHEMA`."""

    def cause(drop: Drop | None) -> str | None:
        return drop.value if drop is not None else None

    columns: dict[str, list[Any]] = {
        "uid": [pair.uid for pair in scored],
        "score": [None if pair.dropped is not None else pair.score for pair in scored],
        "dropped": [cause(pair.dropped) for pair in scored],
        "clean": [pair.clean for pair in scored],
    }
    return pa.table(columns, SCHEMA)
