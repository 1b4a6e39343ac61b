"""Layer-wise densities: the numbers that the paper's rules give for ResNet-20, and totals that are exact."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.sparsity.layers import LayerShape, layer_shapes
from palmette_plugins.engines.sparsity.ratios import (
    DATA_FREE_RULES,
    BudgetTooSmallError,
    Ratio,
    er_raw,
    erdos_renyi,
    erdos_renyi_kernel,
    erdos_renyi_kernel_plus,
    erk_raw,
    scaled_to_total,
    score_densities,
    uniform,
    uniform_plus,
)


def resnet20(channels: int) -> list[LayerShape]:
    reference = f"zoo:resnet20?in_channels={channels}&num_classes=10"
    return layer_shapes(load_model_reference(reference, "model", None, None, seed=0).module)


def scale(shapes: list[LayerShape], raw: Any, density: float) -> float:
    weights = [shape.weights for shape in shapes]
    return scaled_to_total([raw(shape) for shape in shapes], weights, density * sum(weights))[0]


def by_name(shapes: list[LayerShape], densities: list[float]) -> dict[str, float]:
    return {shape.name: density for shape, density in zip(shapes, densities, strict=True)}


@pytest.mark.parametrize(("channels", "maskable", "parameters"), [(3, 270_896, 272_474), (1, 270_608, 272_186)])
def test_resnet20_has_the_weights_that_the_rules_share(channels: int, maskable: int, parameters: int) -> None:
    reference = f"zoo:resnet20?in_channels={channels}&num_classes=10"
    module = load_model_reference(reference, "model", None, None, seed=0).module
    assert sum(shape.weights for shape in layer_shapes(module)) == maskable
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters
    assert sum(p.numel() for name, p in module.named_parameters() if "bn" in name or "shortcut.1" in name) == 1_568


STAGE_3 = [f"stages.2.{block}.conv{n}" for block in range(3) for n in (1, 2)]
STAGE_2 = [f"stages.1.{block}.conv{n}" for block in range(3) for n in (1, 2)]
STAGE_1 = [f"stages.0.{block}.conv{n}" for block in range(3) for n in (1, 2)]


def test_erk_at_a_tenth() -> None:
    shapes = resnet20(3)
    assert scale(shapes, erk_raw, 0.1) == pytest.approx(16.98599, abs=5e-6)
    densities = by_name(shapes, erdos_renyi_kernel(shapes, 0.1))
    expected = {
        "conv1": 0.9830,
        **dict.fromkeys(STAGE_1, 0.2802),
        **dict.fromkeys(STAGE_2, 0.1290),
        **dict.fromkeys(STAGE_3, 0.0617),
        "stages.1.0.conv1": 0.1991,
        "stages.1.0.shortcut.0": 1.0,
        "stages.2.0.conv1": 0.0940,
        "stages.2.0.shortcut.0": 0.8128,
        "fc": 1.0,
    }
    assert {name: round(density, 4) for name, density in densities.items()} == expected


def test_er_at_a_tenth() -> None:
    shapes = resnet20(3)
    assert scale(shapes, er_raw, 0.1) == pytest.approx(2.24754, abs=5e-6)
    densities = by_name(shapes, erdos_renyi(shapes, 0.1))
    expected = {
        "conv1": 0.8897,
        **dict.fromkeys(STAGE_1, 0.2809),
        **dict.fromkeys(STAGE_3[1:], 0.0702),
        "stages.2.0.shortcut.0": 0.1054,
        "fc": 0.2599,
    }
    assert {name: round(densities[name], 4) for name in expected} == expected


def test_erk_at_a_twentieth() -> None:
    shapes = resnet20(3)
    assert scale(shapes, erk_raw, 0.05) == pytest.approx(8.20400, abs=5e-6)
    densities = by_name(shapes, erdos_renyi_kernel(shapes, 0.05))
    assert round(densities["conv1"], 4) == 0.4748
    assert round(densities["fc"], 4) == 0.9486


def test_erk_for_grey_images() -> None:
    shapes = resnet20(1)
    assert scale(shapes, erk_raw, 0.1) == pytest.approx(17.15366, abs=5e-6)
    assert by_name(shapes, erdos_renyi_kernel(shapes, 0.1))["conv1"] == 1.0


def test_uniform_plus_keeps_the_first_convolution_and_a_fifth_of_the_classifier() -> None:
    shapes = resnet20(3)
    low = by_name(shapes, uniform_plus(shapes, 0.1))
    high = by_name(shapes, uniform_plus(shapes, 0.5))
    assert (low["conv1"], low["fc"]) == (1.0, 0.2)
    assert (high["conv1"], high["fc"]) == (1.0, high["stages.0.0.conv1"])
    assert len(set(low.values())) == 3
    assert low["stages.0.0.conv1"] == pytest.approx((27_089.6 - 432 - 128) / (270_896 - 432 - 640))


def test_erk_plus_keeps_the_classifier() -> None:
    shapes = resnet20(3)
    assert by_name(shapes, erdos_renyi_kernel(shapes, 0.05))["fc"] < 1.0
    assert by_name(shapes, erdos_renyi_kernel_plus(shapes, 0.05))["fc"] == 1.0


def test_clipping_alone_would_miss_the_total() -> None:
    """Layers whose share exceeds 1 become dense and the rest is solved again; the rest gets what they give back."""
    eps, densities = scaled_to_total([4.0, 1.0, 1.0], [10, 100, 100], total=100)
    assert densities[0] == 1.0
    assert densities[1:] == [0.45, 0.45]
    assert eps == 0.45


def test_layers_of_equal_raw_value_become_dense_together() -> None:
    _, densities = scaled_to_total([3.0, 3.0, 1.0], [10, 10, 100], total=60)
    assert densities == [1.0, 1.0, 0.4]


shapes_of_networks = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 64), st.integers(1, 64), st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5])),
        st.tuples(st.integers(1, 200), st.integers(1, 200)),
    ),
    min_size=1,
    max_size=12,
).map(lambda found: [LayerShape(f"layer{i}", shape, classifier=i == len(found) - 1) for i, shape in enumerate(found)])


@given(
    shapes=shapes_of_networks,
    density=st.floats(0.001, 1.0),
    rule=st.sampled_from([ratio for ratio in Ratio if not ratio.needs_data]),
)
def test_every_rule_meets_any_total_exactly(shapes: list[LayerShape], density: float, rule: Ratio) -> None:
    total = density * sum(shape.weights for shape in shapes)
    try:
        densities = DATA_FREE_RULES[rule](shapes, density)
    except BudgetTooSmallError:
        assume(False)
    assert all(0.0 <= share <= 1.0 for share in densities)
    kept = math.fsum(share * shape.weights for share, shape in zip(densities, shapes, strict=True))
    assert kept == pytest.approx(total, rel=1e-9)


@given(shapes=shapes_of_networks, density=st.floats(0.001, 1.0), seed=st.integers(0, 9))
def test_ranked_scores_meet_any_total_to_the_weight(shapes: list[LayerShape], density: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = [torch.randn(shape.shape, generator=generator) for shape in shapes]
    densities = score_densities(scores)(density)
    kept = math.fsum(share * shape.weights for share, shape in zip(densities, shapes, strict=True))
    assert round(kept) == round(density * sum(shape.weights for shape in shapes))


def test_scores_decide_how_much_a_layer_keeps_and_ties_are_not_counted_twice() -> None:
    strong, weak = torch.tensor([[9.0, 8.0], [7.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    assert score_densities([strong, weak])(0.5) == [0.75, 0.25]
    assert sum(score_densities([torch.zeros(4), torch.zeros(4)])(0.5)) == 1.0


@pytest.mark.parametrize("rule", [uniform, uniform_plus, erdos_renyi, erdos_renyi_kernel, erdos_renyi_kernel_plus])
def test_density_one_keeps_everything(rule: Any) -> None:
    shapes = resnet20(3)
    assert rule(shapes, 1.0) == [1.0] * len(shapes)
