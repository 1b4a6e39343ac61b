"""Induced models: what a network becomes on the kept pairs, on as many random ones, and on all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from palmette_plugins.api import DataInfo, Dataset, JobContext
from palmette_plugins.datasets.pair_pool import PairPool, RawPair
from palmette_plugins.datasets.prepared_pairs import PreparedPairs
from palmette_plugins.engines.contrastive.pair_model import PairModel, new_pair_model
from palmette_plugins.engines.contrastive.pair_training import train_on_pairs
from palmette_plugins.engines.contrastive.zero_shot import zero_shot_accuracy
from palmette_plugins.engines.seeding import seeded_generator

if TYPE_CHECKING:
    from palmette_plugins.data_filtering.dfn import Dfn

Mask = NDArray[np.bool_]


class Baseline(StrEnum):
    """What the kept pairs are compared with."""

    RANDOM = "random"
    NONE = "none"


@dataclass(frozen=True)
class Arm:
    """One subset of the pool.

    Attributes:
        name: ``filtered``, or the baseline's.
        mask: bool (N,): its pairs, in pool order.
    """

    name: str
    mask: Mask


def arms(kept: Mask, scored: Mask, baselines: tuple[Baseline, ...], seed: int) -> list[Arm]:
    """Return the kept pairs and the baselines: as many random readable pairs, all readable pairs."""
    found = [Arm("filtered", kept)]
    if Baseline.RANDOM in baselines:
        readable = np.flatnonzero(scored)
        order = torch.randperm(len(readable), generator=seeded_generator(seed, "random subset")).numpy()
        mask = np.zeros_like(kept)
        mask[readable[order[: int(kept.sum())]]] = True
        found.append(Arm("random", mask))
    if Baseline.NONE in baselines:
        found.append(Arm("none", scored))
    return found


class InducedModels:
    """Trains one model for each arm: the same start, the same recipe, the same number of samples.

    Attributes:
        models: The trained models by arm.
        metrics: What they measured.
    """

    def __init__(
        self, job: JobContext, config: Dfn.Config, pool: PairPool, info: DataInfo, evaluation: Dataset | None
    ) -> None:
        self._job, self._config, self._pool, self._info, self._evaluation = job, config, pool, info, evaluation
        self.models: dict[str, PairModel] = {}
        self.metrics: dict[str, float] = {}

    def train(self, compared: list[Arm], rows: list[int], samples: int, progress: tuple[float, float]) -> None:
        """Train on every arm; `rows` are the pairs of each shard."""
        wanted = np.logical_or.reduce([arm.mask for arm in compared])
        models = [new_pair_model(self._config.induced_arch, self._info, self._job.seed) for _ in compared]
        prepared = PreparedPairs(
            chosen(self._pool, wanted, rows), models[0].preparation, lambda: self._job.progress(progress[0], "decoding")
        )
        places = np.flatnonzero(wanted)[prepared.positions.numpy()]  # in the pool, of each prepared pair
        low, high = progress
        step = (high - low) / len(compared)
        for number, (arm, model) in enumerate(zip(compared, models, strict=True)):
            result = train_on_pairs(
                self._job,
                model,
                prepared,
                self._config.induced_recipe,
                samples,
                phase=f"induced/{arm.name}",
                draws="induced",
                progress=(low + number * step, low + (number + 1) * step),
                indices=torch.from_numpy(np.flatnonzero(arm.mask[places])),
            )
            self.models[arm.name] = model
            self.metrics[f"induced/{arm.name}/samples"] = float(result.examples)
            self.metrics |= self.measured(f"induced/{arm.name}", model)

    def measured(self, name: str, model: PairModel) -> dict[str, float]:
        """Return a model's zero-shot accuracy where there is an evaluation set."""
        if self._evaluation is None:
            return {}
        accuracy = zero_shot_accuracy(
            model,
            self._evaluation,
            self._config.evaluation_split.value,
            self._config.templates,
            self._job.device,
            self._job.raise_if_cancelled,
        )
        return {f"{name}/zero-shot": accuracy}


def chosen(pool: PairPool, mask: Mask, rows: list[int]) -> Iterator[RawPair]:
    """Yield the pairs of a pool where `mask` is set; shards without any are not opened."""
    first = 0
    for shard, count in zip(pool.shards(), rows, strict=True):
        here = mask[first : first + count]
        first += count
        if here.any():
            yield from (pair for pair, wanted in zip(shard.pairs(), here, strict=True) if wanted)
