"""Which blocks of a network can be left out."""

import pytest
import timm
import torch
from torch import nn

from palmette_plugins.architectures.loading import inspect_model_reference
from palmette_plugins.architectures.residual import removable_blocks


def removable(reference):
    return removable_blocks(inspect_model_reference(reference, "model", None, None).module)


@pytest.mark.parametrize(
    ("name", "count"),
    [("resnet20", 7), ("resnet32", 13), ("resnet56", 25), ("resnet110", 52), ("wrn-16-1", 4), ("wrn-16-4", 3)],
)
def test_blocks_with_an_identity_shortcut_are_removable(name, count):
    blocks = removable(f"zoo:{name}")

    assert len(blocks) == count
    assert "stages.1.0" not in blocks
    assert "stages.2.0" not in blocks


def test_the_first_block_of_stage_one_is_removable_where_widths_are_equal():
    assert "stages.0.0" in removable("zoo:resnet56")
    assert "stages.0.0" in removable("zoo:wrn-16-1")
    assert "stages.0.0" not in removable("zoo:wrn-16-4")


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("resnet18", ["layer1.0", "layer1.1", "layer2.1", "layer3.1", "layer4.1"]),
        ("resnet26", ["layer1.1", "layer2.1", "layer3.1", "layer4.1"]),
        ("vit_tiny_patch16_224", [f"blocks.{index}" for index in range(12)]),
    ],
)
def test_timms_blocks_are_known(name, blocks):
    assert removable(f"timm:{name}") == blocks


def test_transformers_layers_are_known():
    assert removable("zoo:tiny-gpt") == [f"model.gpt_neox.layers.{index}" for index in range(4)]


@pytest.mark.parametrize("reference", ["zoo:vgg16-bn", "zoo:mlp"])
def test_networks_without_shortcuts_have_no_removable_block(reference):
    assert removable(reference) == []


def test_torchs_own_transformer_layers_are_known_and_a_lone_one_is_not():
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)

    assert removable_blocks(nn.TransformerEncoder(layer, 2)) == ["layers.0", "layers.1"]
    assert removable_blocks(layer) == []


def test_every_block_named_keeps_its_shape_in_a_real_forward():
    module = timm.create_model("resnet26", num_classes=3).eval()
    shapes = {}
    for name in removable_blocks(module):
        module.get_submodule(name).register_forward_hook(
            lambda _, inputs, output, name=name: shapes.update({name: (inputs[0].shape, output.shape)})
        )

    with torch.inference_mode():
        module(torch.zeros(1, 3, 64, 64))

    assert len(shapes) == 4
    assert all(before == after for before, after in shapes.values())
