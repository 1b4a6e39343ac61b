"""Architectures that fail without help: very deep perceptrons, and residual networks without shortcuts."""

from __future__ import annotations

import pytest
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference

IMAGENET = "in_features=150528&num_classes=1000&batch_norm=true&dropout=0.1"


def parameters(reference: str) -> int:
    module = inspect_model_reference(reference, "model", None, None).module
    return sum(parameter.numel() for parameter in module.parameters())


def test_deep_and_wide_perceptrons_have_the_known_sizes() -> None:
    assert parameters(f"zoo:mlp?hidden=2048,1024x47&{IMAGENET}") == 359_788_520
    assert parameters(f"zoo:mlp?hidden=8192x3&{IMAGENET}") == 1_375_609_832


def test_a_resnet_50_without_shortcuts_has_no_shortcut_convolutions() -> None:
    assert parameters("timm:resnet50?shortcuts=false") == 22_780_456
    assert parameters("timm:resnet50") == 25_557_032


def test_a_block_without_shortcut_is_its_function() -> None:
    module = load_model_reference("timm:resnet18?shortcuts=false&num_classes=4", "model", None, None, seed=0).module
    block = module.eval().layer1[0]
    torch.nn.init.zeros_(block.conv2.weight)
    out = block(torch.randn(2, 64, 8, 8))
    assert torch.equal(out, torch.zeros(2, 64, 8, 8))  # with a shortcut its input would come through


@pytest.mark.parametrize("reference", ["timm:vit_tiny_patch16_224?shortcuts=false", "zoo:mlp?hidden=64xx3"])
def test_what_makes_no_sense_is_refused(reference: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        load_model_reference(reference, "model", None, None, seed=0)
    assert "shortcuts" in str(error.value) or "hidden" in str(error.value)


def test_a_plain_convolutional_network() -> None:
    assert parameters("zoo:convnet?channels=4,8,8&in_channels=1") == (9 * 4 + 4) + (36 * 8 + 8) + (72 * 8 + 8) + 90
    module = load_model_reference("zoo:convnet?channels=4,8&batch_norm=true", "model", None, None, seed=0).module
    assert module(torch.zeros(2, 3, 28, 28)).shape == (2, 10)
    with pytest.raises(InvalidArgument, match="channels"):
        load_model_reference("zoo:convnet?channels=", "model", None, None, seed=0)
