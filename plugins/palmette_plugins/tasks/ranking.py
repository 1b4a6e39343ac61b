"""Ranking: which passage answers which query."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.spec import ModelIO, TensorSpec
from palmette_plugins.api.task import Batch, Meter, Task

_MRR_DEPTH = 10


class Ranking(Task):
    """A batch is (tokens, mask), both int64 of shape (B, 2, L): a query and a passage that answers it, padded alike.

    The model is one encoder for both: its forward takes tokens and mask (N, L) and returns embeddings (N, d), whose
    inner products are the scores.
    """

    name = "ranking"
    primary_metric = "RR@10"
    higher_is_better = True

    def inputs(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return tokens and mask of queries and passages in turn, (2B, L)."""
        tokens, mask = batch[0], batch[1]
        return tokens.flatten(0, 1), mask.flatten(0, 1)

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the mean -log share of each query's own passage among the batch's passages, by exp(score)."""
        queries, passages = outputs[0::2], outputs[1::2]
        return F.cross_entropy(queries @ passages.T, torch.arange(len(queries), device=outputs.device))

    def meter(self) -> RankingMeter:
        """Return a meter of how well each query finds its own passage."""
        return RankingMeter()

    def io(self, info: DataInfo) -> ModelIO:
        """Return ``tokens`` and ``mask`` of any length in, ``vector`` out."""
        return encoder_io(-1)


class RankingMeter(Meter):
    """``RR@10``: mean reciprocal rank of each query's own passage among the passages of the split, 0 below rank 10.

    Equal texts are one passage; of equal scores, the own passage ranks last.
    """

    def __init__(self) -> None:
        self._queries: list[Tensor] = []
        self._passages: list[Tensor] = []
        self._texts: list[bytes] = []

    def update(self, outputs: Any, batch: Batch) -> None:
        """Take in embeddings (2B, d) and a batch."""
        embeddings = outputs.detach().float().cpu()
        self._queries.append(embeddings[0::2])
        self._passages.append(embeddings[1::2])
        for tokens, mask in zip(batch[0][:, 1].cpu(), batch[1][:, 1].cpu(), strict=True):
            self._texts.append(tokens[mask.bool()].numpy().tobytes())

    def compute(self) -> dict[str, float]:
        """Return the measurement; of no query at all it is NaN."""
        if not self._queries:
            return {"RR@10": float("nan")}
        queries, passages = torch.cat(self._queries), torch.cat(self._passages)
        first = {text: index for index, text in reversed(list(enumerate(self._texts)))}
        kept = sorted(first.values())
        place = {index: position for position, index in enumerate(kept)}
        own = torch.tensor([place[first[text]] for text in self._texts])
        reciprocal = 0.0
        for query, target in zip(queries.split(1024), own.split(1024), strict=True):
            scores = query @ passages[kept].T
            ranks = (scores >= scores.gather(1, target[:, None])).sum(1)
            reciprocal += float(torch.where(ranks <= _MRR_DEPTH, 1.0 / ranks, 0.0).double().sum())
        return {"RR@10": reciprocal / len(queries)}


def encoder_io(dimension: int) -> ModelIO:
    """Return the signature of an encoder of vectors with so many numbers; -1 where that is not known."""
    tokens = TensorSpec(name="tokens", dtype="int64", shape=(-1,))
    mask = TensorSpec(name="mask", dtype="int64", shape=(-1,))
    # Not "embedding": exported graphs name the look-up of a token's vector so.
    vector = TensorSpec(name="vector", dtype="float32", shape=(dimension,))
    return ModelIO(inputs=(tokens, mask), outputs=(vector,))


def pair_io() -> ModelIO:
    """Return the signature of a cross-encoder: the types tell the query's tokens (0) from the passage's (1)."""
    inputs = (TensorSpec(name=name, dtype="int64", shape=(-1,)) for name in ("tokens", "mask", "types"))
    return ModelIO(inputs=tuple(inputs), outputs=(TensorSpec(name="score", dtype="float32", shape=(1,)),))
