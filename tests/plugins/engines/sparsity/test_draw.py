"""Mask positions: uniform at random, exactly as many as planned."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chisquare

from palmette_plugins.engines.sparsity.draw import Draw, draw_bernoulli, draw_exact, draw_masks
from palmette_plugins.engines.sparsity.layers import LayerShape
from palmette_plugins.engines.sparsity.plan import PlannedLayer, plan_sparsity
from palmette_plugins.engines.sparsity.ratios import Ratio

SHAPES = [LayerShape("a", (8, 4, 3, 3)), LayerShape("b", (10, 32))]
PLAN = plan_sparsity(SHAPES, Ratio.UNIFORM, 0.25)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_exact_draws_keep_as_many_as_planned() -> None:
    masks = draw_masks(PLAN, Draw.EXACT, seeded(0))
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"a": 72, "b": 80}
    assert {name: tuple(mask.shape) for name, mask in masks.items()} == {"a": (8, 4, 3, 3), "b": (10, 32)}


@pytest.mark.parametrize("draw", list(Draw))
def test_one_seed_gives_one_mask_and_two_seeds_two(draw: Draw) -> None:
    first, again, other = (draw_masks(PLAN, draw, seeded(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("draw", [draw_exact, draw_bernoulli])
def test_every_position_is_equally_likely(draw: object) -> None:
    layer = PlannedLayer("a", (5, 4), 20, 0.3, 6)
    generator = seeded(0)
    counts = sum(draw(layer, generator).int() for _ in range(2000))  # type: ignore[operator]
    assert chisquare(counts.flatten().numpy()).pvalue > 0.001


def test_bernoulli_draws_meet_the_density_on_average_and_leave_no_layer_empty() -> None:
    layer = PlannedLayer("a", (100, 100), 10_000, 0.3, 3000)
    assert abs(int(draw_bernoulli(layer, seeded(0)).sum()) - 3000) < 5 * (10_000 * 0.3 * 0.7) ** 0.5
    tiny = PlannedLayer("b", (2, 2), 4, 0.05, 1)
    generator = seeded(0)
    assert all(bool(draw_bernoulli(tiny, generator).any()) for _ in range(200))
