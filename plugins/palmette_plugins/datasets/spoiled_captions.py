"""Wrong captions in known places: what a filter must find can then be counted."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache

from palmette_plugins.datasets.pair_pool import IndexedPool, RawPair

_BLOCK = 100  # of so many neighbours exactly the asked share is spoiled
_JUNK_WORDS = 4
# What file names, shops and forms leave in captions of the web.
_JUNK = (
    "img", "untitled", "click", "here", "free", "shipping", "buy", "now", "download", "jpg", "thumbnail", "page",
    "copy", "default", "banner", "header", "login", "subscribe", "offer", "item", "stock", "preview", "final", "draft",
    "logo", "cookie", "null", "share", "update", "new",
)  # fmt: skip


class SpoiledPool(IndexedPool):
    """A pool of which a share of the captions is wrong: half belong to other pairs, half are four junk words.

    Which pairs are spoiled depends on the seed and the position alone. Uids stay those of the pool, so that a spoiled
    and an honest pool name the same pairs.
    """

    def __init__(self, pool: IndexedPool, share: float, seed: int) -> None:
        self._pool = pool
        self._spoiled = round(share * _BLOCK)
        self._seed = seed

    @property
    def size(self) -> int:
        """As many as in the pool."""
        return self._pool.size

    def pair(self, index: int) -> RawPair:
        """Return the pair, its caption spoiled or known to be right."""
        pair = self._pool.pair(index)
        spoiled = self.is_spoiled(index)
        clean = False if spoiled else pair.clean if pair.clean is not None else True
        return replace(pair, caption=self.caption(index), clean=clean)

    def caption(self, index: int) -> str:
        """Return the caption that the pair has here."""
        rank = self._rank(index)
        if rank >= self._spoiled:
            return self._pool.caption(index)
        draw = _draw(self._seed, f"caption/{index}")
        if rank % 2 == 0:
            return self._pool.wrong_caption(index, draw)
        words = []
        for _ in range(_JUNK_WORDS):
            draw, word = divmod(draw, len(_JUNK))
            words.append(_JUNK[word])
        return " ".join(words)

    def is_spoiled(self, index: int) -> bool:
        """Tell whether the caption at a position is wrong."""
        return self._rank(index) < self._spoiled

    def fingerprint(self) -> str:
        """Return a digest of the pool and of what is spoiled in it."""
        return hashlib.sha256(f"{self._pool.fingerprint()}:{self._spoiled}:{self._seed}".encode()).hexdigest()

    def _rank(self, index: int) -> int:
        block, place = divmod(index, _BLOCK)
        return _ranks(self._seed, block)[place]


@lru_cache(maxsize=64)
def _ranks(seed: int, block: int) -> tuple[int, ...]:
    """Return the rank of each place of a block in a drawn order."""
    order = sorted(range(_BLOCK), key=lambda place: _draw(seed, f"order/{block}/{place}"))
    return tuple(order.index(place) for place in range(_BLOCK))


def _draw(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{purpose}".encode()).digest()[:16], "big")
