"""Pairs as a dataset: the pool for those who stream it, tensors for those who train on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from pydantic import Field
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.api.data import DataInfo, Dataset
from palmette_plugins.api.reference_parameters import ReferenceParameters
from palmette_plugins.datasets.pair_pool import PairPool
from palmette_plugins.datasets.pair_preparation import default_preparation
from palmette_plugins.datasets.prepared_pairs import IN_MEMORY_BYTES, PreparedPairs, StandardisedSplit
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.datasets.word_tokens import HashedWords
from palmette_plugins.tasks.contrastive_pairs import ContrastivePairs

_HELD_OUT = 20  # one pair of so many is in the validation split, one in the test split


class PairParameters(ReferenceParameters):
    """What every dataset of pairs can be given."""

    size: int = Field(32, ge=1, le=4096, description="images are brought to size x size where they become tensors")


@dataclass(frozen=True)
class PairDataset(Dataset):
    """A dataset of pairs. Its splits are for those who train on it as it is: a twentieth each is held out.

    Attributes:
        pool: All pairs as they lie.
    """

    pool: PairPool = field(kw_only=True)


def pair_dataset(info: DataInfo, pool: PairPool) -> PairDataset:
    """Return the dataset of a pool; no pair is read before a split is asked for."""
    return PairDataset(info, ContrastivePairs(), _Splits(info, pool), pool.fingerprint(), pool=pool)


def pair_info(reference: str, pairs: int, channels: int, size: int) -> DataInfo:
    """Return what is known of a dataset of pairs."""
    words = HashedWords()
    preparation = default_preparation(channels, size)
    held = _held_out(pairs)
    return DataInfo(
        reference=reference,
        task=ContrastivePairs.name,
        sizes={"train": pairs - 2 * held, "validation": held, "test": held},
        input_shape=(channels, size, size),
        vocabulary_size=words.vocabulary,
        preprocessing={
            "scale": 1 / 255,
            "mean": list(preparation.mean),
            "std": list(preparation.std),
            "context": words.context,
        },
    )


def pool_size(info: DataInfo) -> int:
    """Return how many pairs there are in all splits: as many as the pool has."""
    return sum(info.sizes.values())


class _Splits(Mapping[str, TorchDataset[Any]]):
    """Splits that are made when they are asked for: a pool is scored without ever becoming tensors."""

    def __init__(self, info: DataInfo, pool: PairPool) -> None:
        self._info = info
        self._pool = pool

    def __getitem__(self, split: str) -> TorchDataset[Any]:
        return self._made[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self._info.sizes)

    def __len__(self) -> int:
        return len(self._info.sizes)

    @cached_property
    def _made(self) -> dict[str, TorchDataset[Any]]:
        preparation = default_preparation(self._info.input_shape[0], self._info.input_shape[1])
        prepared = PreparedPairs(self._pool.pairs(), preparation)
        # Unreadable pairs are in no split, so these may be a few pairs smaller than was said.
        return {name: _split(prepared, part) for name, part in _parts(len(prepared)).items()}


def _split(prepared: PreparedPairs, indices: Tensor) -> TorchDataset[Any]:
    if len(indices) * 4 * prepared.pixels[0:1].numel() > IN_MEMORY_BYTES:
        return StandardisedSplit(prepared, indices)
    images = prepared.preparation.standardised(prepared.pixels[indices])
    return TensorSplit(images, prepared.tokens[indices])


def _parts(pairs: int) -> dict[str, Tensor]:
    """Return the indices of each split: what is held out is spread over the whole, which may be in any order."""
    held = _held_out(pairs)
    stride = pairs // held if held else 1
    validation = torch.arange(held) * stride
    train = torch.ones(pairs, dtype=torch.bool)
    train[validation] = train[validation + 1] = False
    return {"train": train.nonzero().flatten(), "validation": validation, "test": validation + 1}


def _held_out(pairs: int) -> int:
    return max(1, pairs // _HELD_OUT) if pairs > 2 else 0
