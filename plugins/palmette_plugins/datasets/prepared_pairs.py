"""Pairs made ready for training: small sets in memory, large ones in files that are mapped."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
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
        pixels: uint8 (N, C, H, W), mapped from its file.
        tokens: int64 (N, L), mapped likewise.
    """

    def __init__(
        self, pairs: Iterable[RawPair], preparation: PairPreparation, check: Callable[[], None] | None = None
    ) -> None:
        """Prepare `pairs`, leaving out those without a readable image or a word; `check` is called now and then."""
        self._folder = tempfile.TemporaryDirectory(prefix="palmette-pairs-")
        self.preparation = preparation
        self.uids: list[str] = []
        pixels, tokens = Path(self._folder.name, "pixels"), Path(self._folder.name, "tokens")
        context = 0
        with pixels.open("wb") as pixel_file, tokens.open("wb") as token_file:
            for chunk in prepared_chunks(pairs, preparation):
                if check is not None:
                    check()
                rows = preparation.tokenize([pair.caption for pair, _ in chunk])
                context = rows.shape[1]
                token_file.write(rows.numpy().tobytes())
                for pair, image in chunk:
                    pixel_file.write(image.tobytes())
                    self.uids.append(pair.uid)
        count = len(self.uids)
        shape = (count, preparation.channels, preparation.height, preparation.width)
        self.pixels = _mapped(pixels, np.uint8, shape)
        self.tokens = _mapped(tokens, np.int64, (count, context))

    def __len__(self) -> int:
        return len(self.uids)

    def split(self, indices: Tensor | None = None) -> TorchDataset[Any]:
        """Return (pixels, tokens) at `indices` (int64, all when None) as a split: in memory where they fit easily."""
        if indices is None:
            indices = torch.arange(len(self))
        if len(indices) * int(np.prod(self.pixels.shape[1:])) <= IN_MEMORY_BYTES:
            return TensorSplit(self.pixels[indices], self.tokens[indices])
        return MappedSplit(self, indices)


class MappedSplit(TorchDataset[tuple[Tensor, Tensor]]):
    """Pairs that are read from their files when asked for."""

    def __init__(self, prepared: PreparedPairs, indices: Tensor) -> None:
        self._prepared = prepared  # keeps the files
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        position = int(self._indices[index])
        return self._prepared.pixels[position].clone(), self._prepared.tokens[position].clone()


class StandardisedSplit(TorchDataset[tuple[Tensor, Tensor]]):
    """(image, tokens) as a model takes them, for whoever trains on the dataset as it is."""

    def __init__(self, prepared: PreparedPairs) -> None:
        self._prepared = prepared

    def __len__(self) -> int:
        return len(self._prepared)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self._prepared.preparation.standardised(self._prepared.pixels[index : index + 1])[0]
        return image, self._prepared.tokens[index].clone()


def prepared_chunks(
    pairs: Iterable[RawPair], preparation: PairPreparation
) -> Iterator[list[tuple[RawPair, np.ndarray[Any, Any]]]]:
    """Yield readable pairs that say something, with their pixels, some hundreds at a time, decoded by threads."""
    remaining = iter(pairs)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="images") as threads:
        while chunk := list(islice(remaining, _CHUNK)):
            said = [pair for pair in chunk if has_words(pair.caption)]
            images = threads.map(lambda pair: pixels_or_none(pair, preparation), said)
            readable = [(pair, image) for pair, image in zip(said, images, strict=True) if image is not None]
            if readable:
                yield readable


def pixels_or_none(pair: RawPair, preparation: PairPreparation) -> np.ndarray[Any, Any] | None:
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
