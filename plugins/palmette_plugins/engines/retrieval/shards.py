"""Vectors of a corpus on disk: written in shards as they are encoded, so that an interrupted job goes on.

A shard is ``<first position>.npy``, float32 (n, d). Shards lie below an fsspec URL (a job's checkpoints); those of a
remote one are mirrored in a scratch folder, because search maps them into memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import fsspec
import numpy as np

from palmette_plugins.api.artifacts.disk import disk_errors
from palmette_plugins.engines.retrieval.text_encoder import Role, TextEncoder, Vectors

SHARD = 8192


class VectorShards:
    """The shards of one set of vectors.

    Iterating gives (first position, vectors) in order, mapped into memory one at a time.
    """

    def __init__(self, url: str) -> None:
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        local = "file" in self._fs.protocol
        self._mirror = None if local else tempfile.TemporaryDirectory(prefix="palmette-vectors-")
        self._folder = Path(self._root if self._mirror is None else self._mirror.name)
        self._folder.mkdir(parents=True, exist_ok=True)

    def __iter__(self) -> Iterator[tuple[int, Vectors]]:
        for file in sorted(self._folder.glob("*.npy")):
            yield int(file.stem), np.load(file, mmap_mode="r")

    def has(self, first: int) -> bool:
        """Tell whether the shard that begins at a position is whole."""
        file = self._file(first)
        remote = f"{self._root}/{file.name}"
        if not file.exists() and self._mirror is not None and self._fs.exists(remote):
            self._fs.get_file(remote, str(file))
        return file.exists()

    def write(self, first: int, vectors: Vectors) -> None:
        """Write a shard; it is there as a whole or not at all."""
        file = self._file(first)
        part = file.with_suffix(".part")
        with disk_errors("writing vectors"):
            with part.open("wb") as stream:
                np.save(stream, np.ascontiguousarray(vectors, np.float32))
            part.replace(file)
            if self._mirror is not None:
                self._fs.makedirs(self._root, exist_ok=True)
                self._fs.put_file(str(file), f"{self._root}/{file.name}")

    @property
    def size_bytes(self) -> int:
        """Bytes of all vectors."""
        return sum(int(vectors.nbytes) for _, vectors in self)

    def _file(self, first: int) -> Path:
        return self._folder / f"{first:012}.npy"


def encode_texts(
    encoder: TextEncoder,
    count: int,
    texts: Callable[[int, int], Sequence[str]],
    shards: VectorShards,
    *,
    batch_size: int = 128,
    shard: int = SHARD,
    report: Callable[[int], None] = lambda done: None,
) -> int:
    """Encode passages into `shards` and return how many were encoded now; whole shards are not encoded again.

    Args:
        encoder: A dense encoder.
        count: Passages in all.
        texts: Called as ``texts(first, end)`` for the texts of a shard.
        shards: Where the vectors go.
        batch_size: Texts at a time.
        shard: Texts in a shard; the same in every attempt.
        report: Called often with the number of passages done; what it raises (a cancelled job) comes out.
    """
    encoded = 0
    for first in range(0, count, shard):
        end = min(first + shard, count)
        report(first)
        if not shards.has(first):
            done = _Counter(first, batch_size, end, report)
            shards.write(first, encoder.encode(texts(first, end), Role.PASSAGE, batch_size, done))
            encoded += end - first
    return encoded


class _Counter:
    """Counts the batches of a shard."""

    def __init__(self, done: int, batch_size: int, end: int, report: Callable[[int], None]) -> None:
        self._done, self._batch_size, self._end, self._report = done - batch_size, batch_size, end, report

    def __call__(self) -> None:
        self._done = min(self._done + self._batch_size, self._end)
        self._report(self._done)
