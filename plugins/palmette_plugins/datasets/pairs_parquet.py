"""``pairs:<path>``: the user's own image-text pairs in Parquet files, read row group by row group."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palmette_plugins.api.artifacts import StoredArtifact
from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.pair_columns import CAPTIONS, IMAGES, UIDS, checked_uid, first_of
from palmette_plugins.datasets.pair_dataset import PairParameters, pair_dataset, pair_info
from palmette_plugins.datasets.pair_pool import PairPool, PairShard, RawPair, position_uid
from palmette_plugins.datasets.pair_subset import subset_dataset, subset_info

_ROWS = 256  # read at a time


class ParquetPairs(DatasetSource):
    """Columns ``caption`` (or ``text``) and ``image`` (encoded bytes, ``{bytes, path}``, or a path), ``uid`` optional.

    The subsets that filters save are read by this source too: `data_filtering` writes them.
    """

    summary = "your own image-text pairs in Parquet files: pairs:/data/pairs.parquet (a file, a folder or a pattern)"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the files' footers tell."""
        return _described(reference)[0]

    def load(self, reference: Reference) -> Dataset:
        """Return the pool; no row is read yet."""
        return pair_dataset(*_described(reference))

    def describe_artifact(self, artifact: StoredArtifact, reference: Reference) -> DataInfo:
        """Return what is known of a kept subset."""
        return subset_info(artifact, reference)

    def load_artifact(self, artifact: StoredArtifact, reference: Reference) -> Dataset:
        """Return a kept subset: the pairs of its pool that its uids name."""
        return subset_dataset(artifact, reference)


@dataclass(frozen=True)
class ParquetShard(PairShard):
    """One row group of one file."""

    file: Path
    group: int
    first_row: int

    @property
    def name(self) -> str:  # type: ignore[override]
        """File and row group."""
        return f"{self.file.name}-{self.group:05d}"

    def pairs(self) -> Iterator[RawPair]:
        """Yield the rows in order."""
        with _opened(self.file) as parquet:
            names = list(parquet.schema_arrow.names)
            caption = first_of(CAPTIONS, names, "caption", str(self.file))
            image = first_of(IMAGES, names, "image", str(self.file))
            uid = next((name for name in UIDS if name in names), None)
            columns = [caption, image, *([uid] if uid else [])]
            row = self.first_row
            for batch in parquet.iter_batches(_ROWS, row_groups=[self.group], columns=columns):
                for values in batch.to_pylist():
                    own = values[uid] if uid else None
                    yield RawPair(
                        checked_uid(own, f"{self.file} row {row}") if own else position_uid(self.file.name, row),
                        _image(values[image], self.file.parent),
                        str(values[caption] or ""),
                    )
                    row += 1


class ParquetPool(PairPool):
    """The row groups of some files."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._shards: list[ParquetShard] = []
        self._size = 0
        digest = hashlib.sha256()
        for file in files:
            with _opened(file) as parquet:
                metadata = parquet.metadata
                first_of(CAPTIONS, list(parquet.schema_arrow.names), "caption", str(file))
                first_of(IMAGES, list(parquet.schema_arrow.names), "image", str(file))
                first = 0
                for group in range(metadata.num_row_groups):
                    rows = metadata.row_group(group)
                    self._shards.append(ParquetShard(file, group, first))
                    digest.update(f"{file.name}:{group}:{rows.num_rows}:{rows.total_byte_size}".encode())
                    first += rows.num_rows
                self._size += metadata.num_rows
            digest.update(str(file.stat().st_size).encode())
        self._digest = digest.hexdigest()

    @property
    def size(self) -> int:
        """Rows of all files."""
        return self._size

    def shards(self) -> Sequence[PairShard]:
        """Return the row groups of all files."""
        return self._shards

    def fingerprint(self) -> str:
        """Return a digest of the files' footers: a pool is too large to be read for its name."""
        return self._digest


def parquet_files(target: str) -> list[Path]:
    """Return the files that a path, a folder or a pattern names, in order.

    Raises:
        InvalidArgument: There are none.
    """
    path = local_path(target)
    if path.is_file():
        return [path]
    found = sorted(path.glob("*.parquet")) if path.is_dir() else sorted(path.parent.glob(path.name))
    if not found:
        raise InvalidArgument.field("reference", f"no Parquet files at '{target}'")
    return found


def _described(reference: Reference) -> tuple[DataInfo, ParquetPool]:
    if not reference.target:
        raise InvalidArgument.field("reference", "pairs needs a path: write pairs:/data/pairs.parquet")
    parameters = parse_parameters(PairParameters, reference)
    pool = ParquetPool(parquet_files(reference.target))
    written = str(Reference("pairs", reference.target, as_text(parameters)))
    return pair_info(written, pool.size, 3, parameters.size), pool


def _opened(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        raise InvalidArgument.field("reference", f"'{file}' is not a Parquet file: {error}") from None


def _image(value: Any, folder: Path) -> bytes:
    """Return the encoded image of a cell; empty where there is none, which counts as unreadable."""
    if isinstance(value, dict):  # as Hugging Face's datasets write images
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str):
        try:
            return (folder / value).read_bytes()
        except OSError:
            return b""
    return value if isinstance(value, bytes) else b""
