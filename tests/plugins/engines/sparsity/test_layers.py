"""Which layers may be masked."""

from __future__ import annotations

import torch
from torch import nn

from palmette_plugins.engines.sparsity.layers import layer_shapes, maskable_layers


def test_norms_and_biases_are_never_maskable() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 2))
    assert list(maskable_layers(module)) == ["0", "4"]
    assert [(shape.shape, shape.weights) for shape in layer_shapes(module)] == [((8, 3, 3, 3), 216), ((2, 8), 16)]


def test_the_classifier_is_the_last_layer() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    assert [shape.classifier for shape in layer_shapes(module)] == [False, True]


def test_an_output_layer_tied_to_an_embedding_is_not_maskable() -> None:
    module = nn.ModuleDict(
        {"embed": nn.Embedding(9, 4), "hidden": nn.Linear(4, 4), "head": nn.Linear(4, 9, bias=False)}
    )
    module["head"].weight = module["embed"].weight
    assert [(shape.name, shape.classifier) for shape in layer_shapes(module)] == [("hidden", False)]


def test_a_weight_that_two_layers_share_counts_once() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    module[1].weight = module[0].weight
    assert list(maskable_layers(module)) == ["0"]


def test_layers_of_gpt2_are_linear_layers() -> None:
    from transformers.pytorch_utils import Conv1D

    module = nn.Sequential(Conv1D(6, 4))  # 4 inputs, 6 outputs
    assert [shape.shape for shape in layer_shapes(module)] == [(4, 6)]


def test_a_layer_without_storage_has_a_shape_too() -> None:
    with torch.device("meta"):
        module = nn.Conv2d(1, 2, 3)
    assert layer_shapes(nn.Sequential(module))[0].weights == 18
