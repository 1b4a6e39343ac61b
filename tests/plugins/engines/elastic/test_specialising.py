"""Predicting and searching under limits."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.elastic import features, macs_table, parameter_table, random_genes
from palmette_plugins.engines.elastic.costs import CostTable
from palmette_plugins.engines.elastic.evolution import Evolution
from palmette_plugins.engines.elastic.latency import latency_table
from palmette_plugins.engines.elastic.populations import Floats, Genes
from palmette_plugins.engines.elastic.predictor import fit_predictor
from palmette_plugins.engines.elastic.specialising import Limit, specialise

from .spaces import paper_space, supernet, tiny

SPACE = paper_space((128, 160, 192, 224))
SHORT = Evolution(population=40, generations=30)


@cache
def weights() -> Floats:
    return np.random.default_rng(0).normal(size=features(SPACE, np.zeros((1, len(SPACE.genes)), int)).shape[1])


def score(genes: Genes) -> Floats:
    """A score that likes large networks in general and some answers in particular."""
    return features(SPACE, genes) @ (weights() * 0.2 + 1) + genes[:, -1]


@pytest.mark.parametrize("most", [45e6, 100e6, 250e6, 600e6])
def test_what_is_found_keeps_the_limit_and_is_better_than_chance(most: float) -> None:
    table = macs_table(SPACE, 3, 1000)
    found = specialise(SPACE, score, [Limit("macs", most, table)], 1, settings=SHORT)
    assert table.of(found.genes[None])[0] <= most
    assert found.score == pytest.approx(score(found.genes[None])[0])
    assert found.history == sorted(found.history)
    drawn = random_genes(SPACE, 4000, np.random.default_rng(9))
    kept = drawn[table.of(drawn) <= most]
    assert len(kept) == 0 or found.score > score(kept).max()


def test_all_limits_are_kept_together() -> None:
    limits = [Limit("macs", 150e6, macs_table(SPACE, 3, 10)), Limit("parameters", 2.6e6, parameter_table(SPACE, 3, 10))]
    found = specialise(SPACE, score, limits, 0, settings=SHORT)
    assert all(limit.table.of(found.genes[None])[0] <= limit.most for limit in limits)


def test_the_smallest_limit_gives_the_smallest_network() -> None:
    table = macs_table(SPACE, 3, 1000)
    found = specialise(SPACE, score, [Limit("macs", table.cheapest(), table)], 0, settings=SHORT)
    assert SPACE.decode(found.genes) == SPACE.smallest


def test_the_same_seed_gives_the_same_network() -> None:
    limits = [Limit("macs", 200e6, macs_table(SPACE, 3, 1000))]
    first, again, other = (specialise(SPACE, score, limits, seed, settings=SHORT).history for seed in (3, 3, 4))
    assert first == again != other


def test_an_impossible_limit_says_the_smallest_possible_value() -> None:
    limits = [Limit("macs", 1e6, macs_table(SPACE, 3, 1000)), Limit("parameters", 5.0, parameter_table(SPACE, 3, 1000))]
    with pytest.raises(InvalidArgument) as error:
        specialise(SPACE, score, limits, 0)
    assert [(v.field, v.description) for v in error.value.violations] == [
        ("limits.macs", f"must be at least {41_476_224}, the smallest sub-network's"),
        ("limits.parameters", "must be at least 3410792, the smallest sub-network's"),
    ]


def test_limits_that_exclude_each_other_are_refused() -> None:
    space = supernet(tiny("&resolutions=12")).space
    rising, falling = (np.zeros((len(space.slots), 3, 3, 1)) for _ in range(2))
    rising[:, :, :, 0] = np.arange(3)[:, None]
    falling[:, :, :, 0] = 2 - np.arange(3)[:, None]
    limits = [Limit(name, 1.0, CostTable(space, np.zeros(1), t)) for name, t in (("a", rising), ("b", falling))]
    with pytest.raises(InvalidArgument, match="a and b together"):
        specialise(space, lambda genes: np.zeros(len(genes)), limits, 0)


def test_the_predictor_ranks_networks_that_it_has_not_seen() -> None:
    genes = random_genes(SPACE, 300, np.random.default_rng(1))
    accuracies = 0.7 + 0.1 * np.tanh((score(genes) - score(genes).mean()) / 10)
    predictor, quality = fit_predictor(SPACE, genes, accuracies, 0)
    assert len(quality.predicted) == 60
    assert quality.kendall > 0.6
    assert quality.rmse < 0.7 * accuracies.std()
    assert np.abs(predictor.predict(SPACE, genes) - accuracies).mean() < quality.rmse
    again, _ = fit_predictor(SPACE, genes, accuracies, 0)
    assert (again.predict(SPACE, genes) == predictor.predict(SPACE, genes)).all()


def test_a_constant_accuracy_is_predicted_without_a_rank() -> None:
    genes = random_genes(SPACE, 100, np.random.default_rng(1))
    predictor, quality = fit_predictor(SPACE, genes, np.full(100, 0.5), 0)
    assert quality.kendall == 0.0
    assert predictor.predict(SPACE, genes) == pytest.approx(np.full(100, 0.5), abs=1e-3)


def test_every_block_has_a_latency_and_measuring_moves_no_random_state() -> None:
    module = supernet(tiny())
    torch.manual_seed(3)
    before = torch.get_rng_state()
    table = latency_table(module.space, 1, 10, repeats=1)
    assert torch.equal(before, torch.get_rng_state())
    assert (table.fixed > 0).all()
    assert (table.blocks > 0).all()
    assert table.of_choice(module.space.largest) > table.fixed.min()
