"""Which outputs are tapped, and that recording disturbs nothing."""

from __future__ import annotations

import timm
import torch
import torchvision
from torch import nn

from palmette_plugins.engines.representations import Distance, Recorder, compare, tap_names


def test_a_resnet_18_has_21_taps_in_either_library() -> None:
    image = torch.zeros(1, 3, 64, 64)
    names = tap_names(torchvision.models.resnet18(), [image])
    assert len(names) == len(tap_names(timm.create_model("resnet18"), [image])) == 21
    assert names[0] == "conv1"
    assert names[-1] == "avgpool"


def test_transformer_layers_their_attention_and_norms_are_tapped_in_order_of_their_calls() -> None:
    module = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1)
    names = tap_names(module, [torch.zeros(1, 3, 32, 32)])
    expected = ["patch_embed.proj", "blocks.0", "blocks.0.norm1", "blocks.0.attn", "blocks.0.attn.qkv"]
    expected += ["blocks.0.attn.proj", "blocks.0.norm2", "blocks.0.mlp.fc1", "blocks.0.mlp.fc2", "norm"]
    assert names == expected


def test_taps_are_found_without_weights() -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.Linear(8, 2))
    assert tap_names(module, [torch.zeros(1, 4, device="meta")]) == ["0", "3"]


def test_a_recorder_keeps_graphs_and_leaves_no_hook() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.LSTM(8, 3, batch_first=True))
    recorder = Recorder(module, ["0", "1"])
    with recorder.recording() as outputs:
        module(torch.randn(2, 5, 4))
        assert {name: tuple(tensor.shape) for name, tensor in outputs.items()} == {"0": (2, 5, 8), "1": (2, 5, 3)}
        outputs["1"].sum().backward()
    assert module[0].weight.grad is not None
    module(torch.randn(2, 5, 4))
    assert recorder.outputs == {}


def test_comparing_a_network_with_itself_gives_ones_on_the_diagonal() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 16), nn.Linear(16, 3))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    found = compare(module.train(), module, [torch.randn(32, 1, 8, 8)], Distance.CKA)
    assert found.first == found.second == ("0", "3")
    torch.testing.assert_close(found.similarity.diagonal(), torch.ones(2), atol=1e-5, rtol=0)
    assert found.similarity[0, 1] < 0.99
    assert module.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
