"""Pools of image-text pairs: as large as they like, read shard by shard, never held in memory."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RANGE = 4096  # pairs of a shard, where a pool has none of its own


@dataclass(frozen=True)
class RawPair:
    """One pair as it lies in its pool.

    Attributes:
        uid: Its identity, 128 bits as 32 hexadecimal digits.
        image: An encoded image (PNG, JPEG, ...), or pixels (C, H, W).
        caption: The text that is said to describe it.
        clean: Whether the caption is known to be right; None where nobody knows.
    """

    uid: str
    image: bytes | NDArray[np.uint8]
    caption: str
    clean: bool | None = None


class PairShard(ABC):
    """A part of a pool that is read on its own.

    Attributes:
        name: Its name within the pool.
    """

    name: str

    @abstractmethod
    def pairs(self) -> Iterator[RawPair]:
        """Yield its pairs in their order."""


class PairPool(ABC):
    """A pool: shards in a fixed order."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Pairs in all shards together, unreadable ones included."""

    @abstractmethod
    def shards(self) -> Sequence[PairShard]:
        """Return the shards in order; none is opened yet."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a SHA-256 (hex) that changes with the pool."""

    def pairs(self) -> Iterator[RawPair]:
        """Yield all pairs in their order."""
        for shard in self.shards():
            yield from shard.pairs()


class IndexedPool(PairPool):
    """A pool whose pairs can be asked for by position."""

    @abstractmethod
    def pair(self, index: int) -> RawPair:
        """Return the pair at a position."""

    @abstractmethod
    def caption(self, index: int) -> str:
        """Return the caption alone, without making the image."""

    def wrong_caption(self, index: int, draw: int) -> str:
        """Return a caption that belongs to another pair and says something else; `draw` decides which.

        Raises:
            ValueError: All captions are the same.
        """
        own = self.caption(index)
        first = index + 1 + draw % max(1, self.size - 1)
        for offset in range(self.size):
            other = self.caption((first + offset) % self.size)
            if other != own:
                return other
        raise ValueError("all captions of the pool are the same")

    def shards(self) -> Sequence[PairShard]:
        """Return ranges of positions."""
        return [_Range(self, start, min(start + _RANGE, self.size)) for start in range(0, self.size, _RANGE)]


class _Range(PairShard):
    """Neighbouring positions of an indexed pool."""

    def __init__(self, pool: IndexedPool, start: int, stop: int) -> None:
        self.name = f"{start:09d}-{stop:09d}"
        self._pool, self._start, self._stop = pool, start, stop

    def pairs(self) -> Iterator[RawPair]:
        for index in range(self._start, self._stop):
            yield self._pool.pair(index)


def position_uid(source: str, position: int | str) -> str:
    """Return the uid of a pair that brings none: it depends on where the pair lies, not on what it holds.

    Two pairs with the same image and caption are two pairs.
    """
    return hashlib.sha256(f"{source}:{position}".encode()).hexdigest()[:32]
