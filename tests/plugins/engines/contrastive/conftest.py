"""A small filter and a small pool."""

from __future__ import annotations

import pytest
import torch

from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets.pair_dataset import PairDataset
from palmette_plugins.datasets.pair_pool import RawPair
from palmette_plugins.engines.contrastive.pair_filter import PairFilter, pair_filter
from palmette_plugins.engines.contrastive.pair_model import new_pair_model
from palmette_plugins.engines.contrastive.scorers import ScorerKind
from palmette_plugins.engines.seeding import seeded_draws

POOL = "captioned:digits?limit=100&spoiled=0.5"


@pytest.fixture
def pairs() -> list[RawPair]:
    """A hundred digits, half of their captions wrong."""
    data = load_dataset(POOL)
    assert isinstance(data, PairDataset)
    return list(data.pool.pairs())


def untrained_filter(kind: ScorerKind, seed: int = 0) -> PairFilter:
    """Return a filter that has learned nothing, with batch statistics unlike those of a batch."""
    arch = "reconstruction?width=8" if kind is ScorerKind.RECONSTRUCTION else "tiny?width=8"
    model = new_pair_model(arch, describe_dataset(POOL, "pool"), seed)
    for module in model.module.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(seed))
    with seeded_draws(seed, "head"):
        return pair_filter(model, kind)
