"""Spaces of masks: the counts of the paper's parent, uniform draws, and numbered candidates."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import nn

from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.sparse_search.candidates import Candidate, Role, reached, smallest_search, stream
from palmette_plugins.engines.sparse_search.feasibility import space_violations
from palmette_plugins.engines.sparse_search.spaces import NodeSpace, Space, mask_space


def mlp(hidden: str, inputs: int = 784) -> nn.Module:
    return load_model_reference(f"zoo:mlp?hidden={hidden}&in_features={inputs}", "model", None, None, seed=0).module


@pytest.fixture(scope="module")
def parent() -> nn.Module:
    return mlp("300,100")


@pytest.mark.parametrize(
    ("sparsity", "nodes", "weights"),
    [(0.5, (158, 53), 132_776), (0.8, (66, 22), 53_416), (0.9, (33, 11), 26_345), (0.95, (17, 6), 13_490)],
)
def test_the_parent_keeps_the_nodes_and_weights_of_the_card(parent, sparsity, nodes, weights):
    space = NodeSpace(parent, sparsity)
    masks = space.draw(torch.Generator().manual_seed(0))

    assert tuple(space.nodes.values()) == nodes
    assert (space.kept, space.weights) == (weights, 266_200)
    assert sum(int(masks[f"layers.{i}.weight"].sum()) for i in (0, 2, 4)) == weights
    assert int(masks["layers.0.bias"].sum()) == nodes[0]
    assert "layers.4.bias" not in masks


def test_density_at_sparsity_nine_tenths(parent):
    assert NodeSpace(parent, 0.9).density == pytest.approx(0.09897, abs=5e-6)


def test_at_sparsity_zero_every_mask_keeps_everything(parent):
    masks = NodeSpace(parent, 0.0).draw(torch.Generator().manual_seed(0))

    assert all(bool(mask.all()) for mask in masks.values())


def test_a_weight_lives_exactly_when_both_its_ends_live(parent):
    masks = NodeSpace(parent, 0.8).draw(torch.Generator().manual_seed(1))
    first, second = masks["layers.0.bias"], masks["layers.2.bias"]

    assert torch.equal(masks["layers.0.weight"], first[:, None].expand(-1, 784))
    assert torch.equal(masks["layers.2.weight"], second[:, None] & first[None, :])
    assert torch.equal(masks["layers.4.weight"], second[None, :].expand(10, -1))


def test_node_masks_are_uniform(parent):
    space = NodeSpace(mlp("12,7", 4), 0.5)
    draws = [space.draw_nodes(torch.Generator().manual_seed(i)) for i in range(10_000)]

    for name, size in (("layers.0", 12), ("layers.2", 7)):
        counts = torch.stack([draw[name] for draw in draws]).flatten().bincount(minlength=size)
        expected = 10_000 * space.nodes[name] / size
        # Draws without replacement vary less than independent ones: their chi-square is scaled by (n - k) / (n - 1).
        scaled = ((counts - expected) ** 2 / expected).sum() * (size - 1) / (size - space.nodes[name])
        assert stats.chi2.sf(float(scaled), size - 1) > 0.001


def test_all_masks_of_a_small_space_are_reachable():
    space = NodeSpace(mlp("8,6", 4), 0.55)
    assert tuple(space.nodes.values()) == (4, 3)

    drawn = set()
    for index in range(20_000):
        nodes = space.draw_nodes(Candidate(7, index).generator())
        drawn.add(tuple(tuple(kept.tolist()) for kept in nodes.values()))

    assert space.size == 1_400
    assert len(drawn) == 1_400


def test_edge_masks_have_uniform_densities_and_at_least_one_weight():
    space = mask_space(Space.EDGE, mlp("20,3", 16), 0.99)

    assert [layer.kept for layer in space.layers] == [3, 1, 1]
    assert {name: int(mask.sum()) for name, mask in space.draw(torch.Generator()).items()} == {
        "layers.0.weight": 3,
        "layers.2.weight": 1,
        "layers.4.weight": 1,
    }


def test_erk_masks_have_the_densities_of_random_pruning(parent):
    space = mask_space(Space.ERK, parent, 0.9)
    densities = [layer.kept / layer.weights for layer in space.layers]

    assert space.kept == 26_620
    assert densities == sorted(densities)


def test_a_candidate_does_not_depend_on_how_many_there_are(parent):
    space = NodeSpace(parent, 0.8)
    few = [Candidate(stream(3, Role.SEARCH, 0.8), i).masks(space) for i in range(5)]
    many = [Candidate(stream(3, Role.SEARCH, 0.8), i).masks(space) for i in reversed(range(20))][::-1]

    for first, second in zip(few, many, strict=False):
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_controls_are_not_the_candidates_of_the_search(parent):
    space = NodeSpace(parent, 0.8)
    streams = {role: stream(3, role, 0.8) for role in Role}
    masks = {
        role: [Candidate(seed, i).masks(space)["layers.2.weight"] for i in range(20)] for role, seed in streams.items()
    }

    assert streams[Role.SEARCH] != streams[Role.CONTROL]
    assert not any(torch.equal(a, b) for a in masks[Role.SEARCH] for b in masks[Role.CONTROL])


def test_how_many_candidates_reach_the_best_few_percent():
    assert smallest_search(0.05, 0.95) == 59
    assert smallest_search(0.01, 0.95) == 299
    assert reached(1, 0.05) == pytest.approx(0.05)
    assert reached(59, 0.05) == pytest.approx(0.95150, abs=1e-5)
    assert reached(58, 0.05) < 0.95


def test_sparsities_that_leave_a_layer_without_a_node_name_it_and_what_is_possible(parent):
    violations = space_violations(Space.NODE, parent, {"config.sparsities[1]": 0.999})

    assert [violation.field for violation in violations] == ["config.sparsities[1]"]
    assert "no node in 'layers.2'; at most 0.9955 is possible" in violations[0].description
    assert not space_violations(Space.NODE, parent, {"config.sparsities[1]": 0.9955})


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ([nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 2, 1)], "Conv2d with 2 groups"),
        ([nn.Linear(4, 4), nn.TransformerEncoderLayer(4, 2), nn.Linear(4, 2)], "forward pass|TransformerEncoderLayer"),
        ([nn.Linear(4, 2)], "no hidden layer"),
    ],
)
def test_node_space_refuses_other_kinds_of_layers(layers, named):
    violations = space_violations(Space.NODE, nn.Sequential(*layers), {"config.sparsities[0]": 0.5})

    assert [violation.field for violation in violations] == ["inputs.model"]
    assert any(part in violations[0].description for part in named.split("|"))


def test_erk_names_the_sparsity_that_empties_a_layer():
    violations = space_violations(Space.ERK, mlp("20,3", 16), {"config.sparsities[0]": 0.999})

    assert [violation.field for violation in violations] == ["config.sparsities[0]"]
