"""Pairs as a dataset: the pool for those who stream it, tensors for those who train on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from pydantic import Field
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.api.data import DataInfo, Dataset
from palmette_plugins.api.reference_parameters import ReferenceParameters
from palmette_plugins.datasets.pair_pool import PairPool
from palmette_plugins.datasets.pair_preparation import default_preparation
from palmette_plugins.datasets.prepared_pairs import IN_MEMORY_BYTES, PreparedPairs, StandardisedSplit
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.datasets.word_tokens import HashedWords
from palmette_plugins.tasks.contrastive_pairs import ContrastivePairs


class PairParameters(ReferenceParameters):
    """What every dataset of pairs can be given."""

    size: int = Field(32, ge=1, le=4096, description="images are brought to size x size where they become tensors")


@dataclass(frozen=True)
class PairDataset(Dataset):
    """A dataset of pairs. All are in ``train``; a pool has no other splits.

    Attributes:
        pool: The pairs as they lie.
    """

    pool: PairPool = field(kw_only=True)


def pair_dataset(info: DataInfo, pool: PairPool) -> PairDataset:
    """Return the dataset of a pool; no pair is read before a split is asked for."""
    return PairDataset(info, ContrastivePairs(), _Splits(info, pool), pool.fingerprint(), pool=pool)


def pair_info(reference: str, pairs: int, channels: int, size: int) -> DataInfo:
    """Return what is known of a dataset of pairs."""
    words = HashedWords()
    preparation = default_preparation(channels, size)
    return DataInfo(
        reference=reference,
        task=ContrastivePairs.name,
        sizes={"train": pairs, "validation": 0, "test": 0},
        input_shape=(channels, size, size),
        vocabulary_size=words.vocabulary,
        preprocessing={
            "scale": 1 / 255,
            "mean": list(preparation.mean),
            "std": list(preparation.std),
            "context": words.context,
        },
    )


class _Splits(Mapping[str, TorchDataset[Any]]):
    """Splits that are made when they are asked for: a pool is scored without ever becoming tensors."""

    def __init__(self, info: DataInfo, pool: PairPool) -> None:
        self._info = info
        self._pool = pool

    def __getitem__(self, split: str) -> TorchDataset[Any]:
        if split not in self._info.sizes:
            raise KeyError(split)
        return self._train if split == "train" else self._empty

    def __iter__(self) -> Iterator[str]:
        return iter(self._info.sizes)

    def __len__(self) -> int:
        return len(self._info.sizes)

    @cached_property
    def _train(self) -> TorchDataset[Any]:
        preparation = default_preparation(self._info.input_shape[0], self._info.input_shape[1])
        prepared = PreparedPairs(self._pool.pairs(), preparation)
        if len(prepared) * 4 * math.prod(self._info.input_shape) > IN_MEMORY_BYTES:
            return StandardisedSplit(prepared)
        return TensorSplit(preparation.standardised(prepared.pixels), prepared.tokens.clone())

    @cached_property
    def _empty(self) -> TorchDataset[Any]:
        context = int(self._info.preprocessing["context"])
        return TensorSplit(torch.empty(0, *self._info.input_shape), torch.empty(0, context, dtype=torch.int64))
