"""The plan: whole weights per layer, and densities that are too small."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.sparsity.layers import LayerShape
from palmette_plugins.engines.sparsity.plan import plan_sparsity, whole_weights
from palmette_plugins.engines.sparsity.ratios import Ratio

SHAPES = [
    LayerShape("stem", (16, 1, 3, 3)),
    LayerShape("body", (64, 64, 3, 3)),
    LayerShape("head", (10, 64), classifier=True),
]
WEIGHTS = sum(shape.weights for shape in SHAPES)
DATA_FREE = [ratio for ratio in Ratio if not ratio.needs_data]


@pytest.mark.parametrize("ratio", DATA_FREE)
@pytest.mark.parametrize("density", [0.05, 0.1, 1 / 3, 0.5, 0.9, 1.0])
def test_whole_weights_add_up_to_the_density(ratio: Ratio, density: float) -> None:
    plan = plan_sparsity(SHAPES, ratio, density)
    assert plan.maskable == WEIGHTS
    assert plan.kept == round(density * WEIGHTS)
    assert all(abs(layer.kept - layer.density * layer.weights) < 1.0 for layer in plan.layers)
    assert all(layer.kept <= layer.weights for layer in plan.layers)


@given(
    widths=st.lists(st.integers(1, 40), min_size=3, max_size=8),
    density=st.floats(0.01, 1.0),
    ratio=st.sampled_from(DATA_FREE),
)
def test_any_network_keeps_exactly_the_density_of_its_weights(widths: list[int], density: float, ratio: Ratio) -> None:
    pairs = list(pairwise(widths))
    shapes = [LayerShape(f"{i}", (c_out, c_in, 3, 3)) for i, (c_in, c_out) in enumerate(pairs[:-1])]
    shapes.append(LayerShape("head", (pairs[-1][1], pairs[-1][0]), classifier=True))
    try:
        plan = plan_sparsity(shapes, ratio, density)
    except InvalidArgument:
        assume(False)
    assert plan.kept == math.floor(density * plan.maskable + 0.5)
    assert all(1 <= layer.kept <= layer.weights for layer in plan.layers)


@given(targets=st.lists(st.floats(1, 1000), min_size=1, max_size=30))
def test_rounding_keeps_the_sum_and_moves_no_target_by_a_whole_weight(targets: list[float]) -> None:
    counts = whole_weights(targets, [1000] * len(targets))
    assert sum(counts) == math.floor(math.fsum(targets) + 0.5)
    assert all(abs(count - target) < 1.0 + 1e-9 for count, target in zip(counts, targets, strict=True))


def test_layers_are_rounded_by_themselves_and_the_large_ones_settle_the_total() -> None:
    assert whole_weights([10.4, 20.4, 30.2], [100] * 3) == [11, 20, 30]  # 10 + 20 + 30 would miss 61
    assert whole_weights([0.6, 0.6, 0.6, 9.6], [100] * 4) == [1, 1, 1, 8]  # no layer is emptied for the total


@pytest.mark.parametrize("ratio", DATA_FREE)
def test_a_density_that_empties_a_layer_names_it_and_the_smallest_that_does_not(ratio: Ratio) -> None:
    with pytest.raises(InvalidArgument) as caught:
        plan_sparsity(SHAPES, ratio, 1e-5)
    (violation,) = caught.value.violations
    assert violation.field == "config.density"
    assert "layer '" in violation.description
    smallest = float(re.search(r"smallest density for this model is ([\d.e-]+)", violation.description).group(1))
    assert min(layer.kept for layer in plan_sparsity(SHAPES, ratio, smallest).layers) >= 1
    with pytest.raises(InvalidArgument):
        plan_sparsity(SHAPES, ratio, smallest * 0.995)


def test_uniform_names_the_small_layer() -> None:
    with pytest.raises(InvalidArgument, match=r"no weight in layer 'stem'; the smallest .* is 0\.00347"):
        plan_sparsity(SHAPES, Ratio.UNIFORM, 0.003)  # 144 weights: half a weight at 0.00347


def test_layers_kept_dense_that_leave_nothing_are_named() -> None:
    with pytest.raises(InvalidArgument, match=r"erk_plus keeps more of layer 'head' than 0\.001 of all weights"):
        plan_sparsity(SHAPES, Ratio.ERK_PLUS, 0.001)


def test_ranked_scores_that_empty_a_layer_are_refused_too() -> None:
    scores = {shape.name: torch.rand(shape.shape) + (0 if shape.name == "stem" else 5) for shape in SHAPES}
    with pytest.raises(InvalidArgument, match=r"layer 'stem'; the smallest density for this model is (0\.99\d\d|1)"):
        plan_sparsity(SHAPES, Ratio.SNIP_RATIO, 0.5, scores)


def test_a_model_without_maskable_layers_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"inputs\.model: has no maskable layer"):
        plan_sparsity([], Ratio.ERK, 0.1)
