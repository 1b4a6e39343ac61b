"""Scoring a stream of raw pairs, each on its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from palmette_plugins.datasets.pair_pool import RawPair
from palmette_plugins.datasets.pair_preparation import PairPreparation
from palmette_plugins.datasets.prepared_pairs import pixels_or_none
from palmette_plugins.datasets.word_tokens import has_words

BATCH = 256
_THREADS = 4


class Drop(StrEnum):
    """Why a pair has no score and is never kept."""

    UNREADABLE_IMAGE = "unreadable-image"
    EMPTY_CAPTION = "empty-caption"
    NON_FINITE_SCORE = "non-finite-score"


@dataclass(frozen=True)
class ScoredPair:
    """A pair's score; NaN, with the reason, where there is none.

    Attributes:
        uid: The pair.
        score: Higher is better.
        dropped: Why it has no score.
        clean: Whether its caption is known to be right.
    """

    uid: str
    score: float
    dropped: Drop | None = None
    clean: bool | None = None


class PairScorer:
    """A scoring network with what makes its inputs.

    In evaluation mode: no score depends on the pairs beside it, nor on how many there are (to about 1e-7 in 32 bits;
    16 bits cost three digits).
    """

    def __init__(
        self,
        module: nn.Module,
        preparation: PairPreparation,
        device: torch.device,
        dtype: torch.dtype | None = None,
        batch: int = BATCH,
    ) -> None:
        self._module = module.to(device).eval()
        self._preparation = preparation
        self._device = device
        self._dtype = dtype
        self._batch = batch

    def scored(self, pairs: Iterable[RawPair], check: Callable[[], None] | None = None) -> Iterator[list[ScoredPair]]:
        """Yield the scores in the order of the pairs, a batch at a time; `check` is called before each."""
        remaining = iter(pairs)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="images") as threads:
            while batch := list(islice(remaining, self._batch)):
                if check is not None:
                    check()
                said = [pair for pair in batch if has_words(pair.caption)]
                images = dict(zip(map(id, said), threads.map(self._pixels, said), strict=True))
                yield self._scored(batch, images)

    def _pixels(self, pair: RawPair) -> NDArray[np.uint8] | None:
        return pixels_or_none(pair, self._preparation)

    def _scored(self, batch: list[RawPair], images: dict[int, NDArray[np.uint8] | None]) -> list[ScoredPair]:
        ready = [(pair, image) for pair in batch if (image := images.get(id(pair))) is not None]
        scores = iter(self._scores(ready))
        return [self._result(pair, images, scores) for pair in batch]

    def _result(
        self, pair: RawPair, images: dict[int, NDArray[np.uint8] | None], scores: Iterator[float]
    ) -> ScoredPair:
        if id(pair) not in images:
            return ScoredPair(pair.uid, math.nan, Drop.EMPTY_CAPTION, pair.clean)
        if images[id(pair)] is None:
            return ScoredPair(pair.uid, math.nan, Drop.UNREADABLE_IMAGE, pair.clean)
        score = next(scores)
        if not math.isfinite(score):
            return ScoredPair(pair.uid, math.nan, Drop.NON_FINITE_SCORE, pair.clean)
        return ScoredPair(pair.uid, score, None, pair.clean)

    def _scores(self, ready: list[tuple[RawPair, NDArray[np.uint8]]]) -> list[float]:
        if not ready:
            return []
        pixels = torch.from_numpy(np.stack([image for _, image in ready])).to(self._device)
        tokens = self._preparation.tokenize([pair.caption for pair, _ in ready]).to(self._device)
        scores: list[float] = self.network_scores(pixels, tokens).tolist()
        return scores

    @torch.inference_mode()
    def network_scores(self, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return float32 scores (B,) of prepared pixels (B, C, H, W) of unsigned bytes and tokens (B, L)."""
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype is not None):
            scores: Tensor = self._module(self._preparation.standardised(pixels), tokens)
        return scores.float().cpu()
