"""Pairs made ready for training: small sets in memory, large ones in files that are mapped."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.datasets.pair_pool import RawPair
from palmette_plugins.datasets.pair_preparation import PairPreparation, UnreadableImageError
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.datasets.word_tokens import has_words

IN_MEMORY_BYTES = 2**30
_CHUNK = 256
_THREADS = 4


class PreparedPairs:
    """Pixels and tokens of pairs, in files of a folder of their own that goes with the object.

    Attributes:
        preparation: How they were prepared.
        positions: Which of the pairs that came in each is, int64 (N,): some could not be prepared.
        pixels: uint8 (N, C, H, W), mapped from its file.
        tokens: int64 (N, L), mapped likewise.
    """

    def __init__(
        self, pairs: Iterable[RawPair], preparation: PairPreparation, check: Callable[[], None] | None = None
    ) -> None:
        """Prepare `pairs`, leaving out those without a readable image or a word; `check` is called now and then."""
        self._folder = tempfile.TemporaryDirectory(prefix="palmette-pairs-")
        self.preparation = preparation
        positions = array("q")
        context = 0
        pixels, tokens = Path(self._folder.name, "pixels"), Path(self._folder.name, "tokens")
        with pixels.open("wb") as pixel_file, tokens.open("wb") as token_file:
            for chunk in prepared_chunks(pairs, preparation):
                if check is not None:
                    check()
                rows = preparation.tokenize([each.caption for each in chunk])
                context = rows.shape[1]
                token_file.write(rows.numpy().tobytes())
                for each in chunk:
                    pixel_file.write(each.pixels.tobytes())
                    positions.append(each.position)
        count = len(positions)
        self.positions = torch.tensor(positions, dtype=torch.int64)
        self.pixels = _mapped(pixels, np.uint8, (count, preparation.channels, preparation.height, preparation.width))
        self.tokens = _mapped(tokens, np.int64, (count, context))

    def __len__(self) -> int:
        return len(self.positions)

    def split(self, indices: Tensor | None = None, *columns: Tensor) -> TorchDataset[Any]:
        """Return (pixels, tokens, *columns) at `indices` (int64, all when None): in memory where they fit easily.

        Args:
            indices: Which pairs, in which order; one may come several times.
            *columns: More about each pair, (N,).
        """
        if indices is None:
            indices = torch.arange(len(self))
        if len(indices) * int(np.prod(self.pixels.shape[1:])) <= IN_MEMORY_BYTES:
            return TensorSplit(self.pixels[indices], self.tokens[indices], *(column[indices] for column in columns))
        return MappedSplit(self, indices, columns)


class MappedSplit(TorchDataset[tuple[Tensor, ...]]):
    """Pairs that are read from their files when asked for."""

    def __init__(self, prepared: PreparedPairs, indices: Tensor, columns: tuple[Tensor, ...]) -> None:
        self._prepared = prepared  # keeps the files
        self._indices = indices
        self._columns = columns

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        position = int(self._indices[index])
        of_pair = (self._prepared.pixels[position].clone(), self._prepared.tokens[position].clone())
        return (*of_pair, *(column[position] for column in self._columns))


class StandardisedSplit(TorchDataset[tuple[Tensor, Tensor]]):
    """(image, tokens) as a model takes them, read from files, for whoever trains on the dataset as it is."""

    def __init__(self, prepared: PreparedPairs, indices: Tensor) -> None:
        self._prepared = prepared
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        position = int(self._indices[index])
        image = self._prepared.preparation.standardised(self._prepared.pixels[position : position + 1])[0]
        return image, self._prepared.tokens[position].clone()


@dataclass(frozen=True)
class PreparedPair:
    """One pair: its position in what came in, its caption, its pixels (C, H, W)."""

    position: int
    caption: str
    pixels: NDArray[np.uint8]


def prepared_chunks(pairs: Iterable[RawPair], preparation: PairPreparation) -> Iterator[list[PreparedPair]]:
    """Yield readable pairs that say something, some hundreds at a time, decoded by threads."""
    remaining = enumerate(pairs)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="images") as threads:
        while chunk := list(islice(remaining, _CHUNK)):
            said = [(position, pair) for position, pair in chunk if has_words(pair.caption)]
            images = threads.map(lambda item: pixels_or_none(item[1], preparation), said)
            yield [
                PreparedPair(position, pair.caption, pixels)
                for (position, pair), pixels in zip(said, images, strict=True)
                if pixels is not None
            ]


def pixels_or_none(pair: RawPair, preparation: PairPreparation) -> NDArray[np.uint8] | None:
    """Return a pair's pixels, or None for an image that cannot be read."""
    try:
        return preparation.pixels(pair.image)
    except UnreadableImageError:
        return None


def _mapped(path: Path, dtype: Any, shape: tuple[int, ...]) -> Tensor:
    if 0 in shape:
        return torch.from_numpy(np.zeros(shape, dtype))
    # Mapped for writing in private: torch has no read-only tensors; nothing is ever written.
    return torch.from_numpy(np.memmap(path, dtype, "c", shape=shape))
