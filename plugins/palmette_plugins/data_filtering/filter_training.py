"""Training the filter network: on clean pairs, then on trusted sets, then (some scorers) one step more."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from palmette_plugins.api import DataInfo, JobContext
from palmette_plugins.data_filtering.trusted_pairs import Trusted, TrustedPairs, prepare_trusted
from palmette_plugins.datasets.augmentation import RandomCrop
from palmette_plugins.datasets.pair_pool import PairPool, RawPair
from palmette_plugins.datasets.prepared_pairs import PreparedPairs
from palmette_plugins.engines.contrastive.pair_filter import PairFilter, pair_filter
from palmette_plugins.engines.contrastive.pair_model import PairModel, new_pair_model
from palmette_plugins.engines.contrastive.pair_training import PairInputs, PairRecipe, train_on_pairs
from palmette_plugins.engines.contrastive.scorers import BinaryScore, ScorerKind, fit_head
from palmette_plugins.engines.seeding import seeded_draws
from palmette_plugins.engines.training import TrainingStep

if TYPE_CHECKING:
    from palmette_plugins.data_filtering.dfn import Dfn

_FEATURES = 256  # pairs whose features are computed at a time
_SHIFT = 8  # trusted images move by up to an eighth of their size


class FilterTraining:
    """Trains the filter of one job.

    Attributes:
        samples: Pairs seen, each counted as often as it was.
    """

    def __init__(self, job: JobContext, config: Dfn.Config, pool: PairPool, info: DataInfo) -> None:
        self._job, self._config, self._pool, self._info = job, config, pool, info
        self.samples = 0

    def new(self) -> PairModel:
        """Return the network as it starts: drawn from the job's seed, or with weights of a file."""
        if self._config.scorer is ScorerKind.RECONSTRUCTION:
            tiny, _, parameters = self._config.arch.partition("?")
            shaped = f"?{parameters}" if tiny == "tiny" and parameters else ""
            return new_pair_model(f"reconstruction{shaped}", self._info, self._job.seed)
        return new_pair_model(self._config.arch, self._info, self._job.seed, pretrained=self._config.pretrained)

    def train(self, model: PairModel, clean: list[Trusted], progress: tuple[float, float]) -> None:
        """Train `model` in place on clean pairs."""
        config = self._config
        self._run(model, clean, config.filter_recipe, config.filter_samples, "filter", progress, augment=False)

    def finetune(self, model: PairModel, trusted: list[Trusted], progress: tuple[float, float]) -> None:
        """Train `model` further, in place, on trusted sets, with image augmentation."""
        config = self._config
        self._run(model, trusted, config.finetune_recipe, config.finetune_samples, "finetune", progress, augment=True)

    def around(self, model: PairModel, clean: list[Trusted]) -> PairFilter:
        """Return the filter around a trained network; a binary one learns to tell clean pairs from the pool's."""
        with seeded_draws(self._job.seed, "head"):
            made = pair_filter(model, self._config.scorer)
        if isinstance(made.score, BinaryScore):
            prepared = prepare_trusted(clean, model.preparation, self._job.raise_if_cancelled).prepared
            sample = PreparedPairs(spread(self._pool, len(prepared)), model.preparation, self._job.raise_if_cancelled)
            made.score.to(self._job.device).eval()
            loss = fit_head(made.score.head, self._features(made.score, prepared), self._features(made.score, sample))
            self._job.metric("filter/head-loss", loss)
        return made

    def _run(
        self,
        model: PairModel,
        sets: list[Trusted],
        recipe: PairRecipe,
        samples: int | None,
        phase: str,
        progress: tuple[float, float],
        *,
        augment: bool,
    ) -> None:
        trusted = prepare_trusted(sets, model.preparation, self._job.raise_if_cancelled)
        reconstructs = self._config.scorer is ScorerKind.RECONSTRUCTION
        result = train_on_pairs(
            self._job,
            model,
            trusted.prepared,
            recipe,
            samples or recipe.batch_size * max(1, 30 * len(trusted.prepared) // recipe.batch_size),
            phase=phase,
            progress=progress,
            inputs=_inputs(trusted, augment=augment),
            classes=trusted.classes,
            objective=_mean_loss if reconstructs else None,
        )
        self.samples += result.examples

    @torch.inference_mode()
    def _features(self, score: BinaryScore, prepared: PreparedPairs) -> Tensor:
        parts = []
        for start in range(0, len(prepared), _FEATURES):
            part = slice(start, start + _FEATURES)
            images = prepared.preparation.standardised(prepared.pixels[part].to(self._job.device))
            parts.append(score.features(images, prepared.tokens[part].to(self._job.device)))
        return torch.cat(parts).clone()


def spread(pool: PairPool, count: int) -> Iterator[RawPair]:
    """Yield about `count` pairs, the first of every shard: a look at the whole pool without reading it."""
    shards = pool.shards()
    each = -(-count // max(1, len(shards)))
    for shard in shards:
        yield from islice(shard.pairs(), each)


def _inputs(trusted: TrustedPairs, *, augment: bool) -> PairInputs:
    preparation = trusted.prepared.preparation
    black = preparation.standardised(torch.zeros(1, preparation.channels, 1, 1, dtype=torch.uint8)).flatten()
    moved = (RandomCrop(black, max(1, preparation.height // _SHIFT)),) if augment else ()
    return PairInputs(preparation, moved, trusted.captions)


def _mean_loss(step: TrainingStep) -> Tensor:
    loss: Tensor = step.outputs.mean()
    return loss
