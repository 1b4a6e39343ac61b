"""Scores depend on the pair alone."""

from __future__ import annotations

import math
import random
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from palmette_plugins.api import ArtifactKind, InvalidArgument
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.architectures import weights_file
from palmette_plugins.datasets.pair_pool import RawPair
from palmette_plugins.engines.contrastive.pair_filter import SCORER, load_filter
from palmette_plugins.engines.contrastive.scorers import BinaryScore, ScorerKind, fit_head
from palmette_plugins.engines.contrastive.scoring import Drop, PairScorer, ScoredPair

from .conftest import untrained_filter

CPU = torch.device("cpu")
each_kind = pytest.mark.parametrize("kind", list(ScorerKind))


def scores(scorer: PairScorer, pairs: list[RawPair]) -> dict[str, float]:
    return {scored.uid: scored.score for batch in scorer.scored(pairs) for scored in batch}


@each_kind
def test_a_score_does_not_depend_on_batch_order_or_company(kind: ScorerKind, pairs: list[RawPair]) -> None:
    made = untrained_filter(kind)
    whole = scores(made.scorer(CPU, batch=64), pairs)
    shuffled = pairs.copy()
    random.Random(3).shuffle(shuffled)
    for batch, order in ((1, pairs[:10]), (7, shuffled), (100, pairs[50:])):
        for uid, score in scores(made.scorer(CPU, batch=batch), order).items():
            assert score == pytest.approx(whole[uid], abs=1e-6)
    assert len(set(whole.values())) > 50


def test_a_cosine_is_without_the_learned_factor(pairs: list[RawPair]) -> None:
    found = scores(untrained_filter(ScorerKind.CONTRASTIVE).scorer(CPU), pairs)
    assert all(-1 - 1e-6 <= score <= 1 + 1e-6 for score in found.values())


def test_no_more_than_two_batches_of_pairs_are_held_however_many_there_are(pairs: list[RawPair]) -> None:
    alive = most = 0

    def freed() -> None:
        nonlocal alive
        alive -= 1

    def many() -> Iterator[RawPair]:
        nonlocal alive, most
        for number in range(2000):
            pair = replace(pairs[number % len(pairs)])
            weakref.finalize(pair, freed)
            alive += 1
            most = max(most, alive)
            yield pair
            del pair

    made = untrained_filter(ScorerKind.CONTRASTIVE)
    assert sum(len(batch) for batch in made.scorer(CPU, batch=50).scored(many())) == 2000
    assert most <= 2 * 50 + 1


def test_scoring_leaves_the_network_as_it_was(pairs: list[RawPair]) -> None:
    made = untrained_filter(ScorerKind.CONTRASTIVE)
    made.model.module.train()
    before = {name: tensor.clone() for name, tensor in made.model.module.state_dict().items()}
    scores(made.scorer(CPU), pairs)
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.model.module.state_dict().items())


def test_what_cannot_be_scored_says_why(pairs: list[RawPair]) -> None:
    broken = replace(pairs[1], image=b"no image")
    silent = replace(pairs[2], caption=" .. ")
    made = untrained_filter(ScorerKind.CONTRASTIVE)
    found = next(iter(made.scorer(CPU).scored([pairs[0], broken, silent])))
    assert [scored.dropped for scored in found] == [None, Drop.UNREADABLE_IMAGE, Drop.EMPTY_CAPTION]
    assert math.isnan(found[1].score)


def test_a_score_that_is_not_finite_drops_the_pair(pairs: list[RawPair]) -> None:
    class Overflowing(nn.Module):
        def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
            return torch.tensor([0.5, math.inf, math.nan])[: len(images)]

    preparation = untrained_filter(ScorerKind.CONTRASTIVE).model.preparation
    found: list[ScoredPair] = next(iter(PairScorer(Overflowing(), preparation, CPU).scored(pairs[:3])))
    assert [scored.dropped for scored in found] == [None, Drop.NON_FINITE_SCORE, Drop.NON_FINITE_SCORE]


@each_kind
def test_a_saved_filter_scores_the_same(kind: ScorerKind, pairs: list[RawPair], tmp_path: Path) -> None:
    made = untrained_filter(kind, seed=5)
    store = ArtifactStore(str(tmp_path))
    with store.writer() as writer:
        writer.add_bytes(weights_file.FILE_NAME, weights_file.weights_bytes(made.model.module.state_dict()))
        for name, content in made.extra_files().items():
            writer.add_bytes(name, content)
        saved = writer.commit(kind=ArtifactKind.MODEL, spec=made.model.loaded.spec, attributes={SCORER: kind.value})
    again = load_filter(store.get(saved), "network")
    assert scores(again.scorer(CPU), pairs) == scores(made.scorer(CPU), pairs)


def test_what_is_no_filter_is_refused(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    with store.writer() as writer:
        table = writer.commit(kind=ArtifactKind.TABLE)
    with pytest.raises(InvalidArgument, match="is no filter of image-text pairs but a table"):
        load_filter(store.get(table), "network")


def test_the_head_tells_clean_from_pool() -> None:
    generator = torch.Generator().manual_seed(0)
    clean, pool = torch.randn(200, 6, generator=generator) + 1, torch.randn(300, 6, generator=generator)
    head = nn.Linear(6, 1)
    loss = fit_head(head, clean, pool)
    assert loss < math.log(2)
    with torch.no_grad():
        right = torch.cat([head(clean) > 0, head(pool) < 0]).float().mean()
    assert right > 0.8


def test_a_binary_score_is_a_probability_on_the_scale_of_a_cosine(pairs: list[RawPair]) -> None:
    made = untrained_filter(ScorerKind.BINARY)
    assert isinstance(made.score, BinaryScore)
    nn.init.zeros_(made.score.head.weight)
    nn.init.constant_(made.score.head.bias, math.log(3))  # probability 0.75
    assert all(score == pytest.approx(0.5) for score in scores(made.scorer(CPU), pairs[:5]).values())
