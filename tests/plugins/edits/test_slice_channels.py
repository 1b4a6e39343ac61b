"""`slice_channels`: a smaller network with the function of the one whose other nodes are zero."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from palmette_plugins.api import Edit, InvalidArgument
from palmette_plugins.api.edits import apply_edit
from palmette_plugins.architectures.loading import build, load_model_reference
from palmette_plugins.engines.channels import channel_graph
from palmette_plugins.engines.sparse_search.node_space import NodeMasks
from palmette_plugins.engines.sparse_search.parent import sub_network

NETWORKS = {
    "zoo:mlp?in_features=64&hidden=16,12&batch_norm=true": (1, 8, 8),
    "zoo:convnet?in_channels=1&channels=8,12,6&batch_norm=true": (1, 8, 8),
    "zoo:resnet8?in_channels=1&width=4": (1, 8, 8),
    "zoo:wrn-10-1?in_channels=1": (1, 8, 8),
    "zoo:vgg16-bn?in_channels=3": (3, 32, 32),
    "timm:resnet18?num_classes=5": (3, 32, 32),
    "timm:mobilenetv3_small_050?num_classes=5": (3, 32, 32),
}


def loaded(reference):
    return load_model_reference(reference, "model", None, None, seed=0)


def sliced(module, **keep):
    return apply_edit(module, Edit(name="slice_channels", arguments={"keep": keep}))


def half(graph):
    """Every second node of every group."""
    return {name: torch.arange(0, group.size, 2) for name, group in graph.groups.items()}


def run_once(module, shape):
    """Give the batch norms statistics of their own."""
    with torch.no_grad():
        module.train()(torch.randn(4, *shape))
    return module.eval()


@pytest.mark.parametrize(("reference", "shape"), NETWORKS.items())
def test_the_sliced_network_has_the_function_of_the_masked_one(reference, shape):
    torch.manual_seed(0)
    model = loaded(reference)
    run_once(model.module, shape)
    graph = channel_graph(model.module)
    nodes = half(graph)
    masked = sub_network(model, NodeMasks(model.module, graph).of(nodes)).module.eval()

    smaller = sliced(copy.deepcopy(masked), **{name: kept.tolist() for name, kept in nodes.items()})

    inputs = torch.randn(3, *shape)
    assert len(graph.groups) > 1
    assert sum(p.numel() for p in smaller.parameters()) < 0.6 * sum(p.numel() for p in masked.parameters())
    with torch.inference_mode():
        assert torch.allclose(smaller(inputs), masked(inputs), atol=1e-5)


@pytest.mark.parametrize("reference", ["zoo:resnet8?in_channels=1&width=4", "zoo:mlp?in_features=64&hidden=16,12"])
def test_a_sliced_model_is_rebuilt_from_its_spec(reference):
    model = loaded(reference)
    keep = {name: kept.tolist() for name, kept in half(channel_graph(model.module)).items()}

    smaller = sliced(copy.deepcopy(model.module), **keep)
    rebuilt = build(model.spec.with_edit("slice_channels", keep=keep))

    rebuilt.load_state_dict(smaller.state_dict())
    inputs = torch.randn(2, 1, 8, 8)
    assert torch.equal(rebuilt.eval()(inputs), smaller.eval()(inputs))


def test_it_applies_where_there_are_no_weights_yet():
    spec = loaded("zoo:resnet8?in_channels=1&width=4").spec.with_edit("slice_channels", keep={"conv1": [0, 3]})
    with torch.device("meta"):
        module = build(spec)

    assert module.conv1.weight.shape == (2, 1, 3, 3)
    assert module.bn1.num_features == 2


def test_layers_whose_outputs_are_added_share_their_nodes():
    module = sliced(loaded("zoo:resnet8?in_channels=1&width=4").module, **{"stages.0.0.conv2": [1, 2, 3]})

    assert module.conv1.out_channels == module.stages[0][0].conv2.out_channels == 3
    assert module.stages[1][0].conv1.in_channels == module.stages[1][0].shortcut[0].in_channels == 3


def test_flattened_maps_lose_all_positions_of_a_channel():
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9, 2))
    weight = module[3].weight.detach().clone()

    sliced(module, **{"0": [1, 3]})

    assert torch.equal(module[3].weight, weight.view(2, 4, 9)[:, [1, 3]].flatten(1))


def test_masks_are_sliced_with_the_weights():
    model = loaded("zoo:mlp?in_features=4&hidden=3&num_classes=2")
    mask = torch.tensor([[True] * 4, [False] * 4, [True] * 4])
    masked = sub_network(model, {"layers.0.weight": mask, "layers.0.bias": mask[:, 0]}).module

    sliced(masked, **{"layers.0": [1, 2]})

    assert masked.layers[0].weight_mask.tolist() == mask[1:].tolist()
    assert masked.layers[0].bias_mask.tolist() == [False, True]


@pytest.mark.parametrize(
    ("keep", "reason"),
    [
        ({"fc": [0]}, "'fc' cannot be removed"),
        ({"nothing": [0]}, "'nothing' cannot be removed"),
        ({"conv1": []}, "at least one index"),
        ({"conv1": [0, 4]}, "from 0 to 3"),
        ({"conv1": [1, 1]}, "each once"),
        ({"conv1": [0, 1], "stages.0.0.conv2": [1, 2]}, "shares its nodes with 'conv1'"),
    ],
)
def test_wrong_nodes_are_named_and_nothing_is_changed(keep, reason):
    module = loaded("zoo:resnet8?in_channels=1&width=4").module

    with pytest.raises(InvalidArgument, match=reason):
        sliced(module, **keep)

    assert module.conv1.out_channels == 4


def test_nodes_that_an_operation_mixes_cannot_be_removed():
    module = nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 2))

    with pytest.raises(InvalidArgument, match="'1' \\(LayerNorm\\) mixes them"):
        sliced(module, **{"0": [0, 1]})
