"""`drop_blocks`: the block is gone, everything else is as it was."""

import pytest
import torch
from torch import nn

from palmette_plugins.api import Edit, InvalidArgument
from palmette_plugins.api.edits import apply_edit
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.residual import removable_blocks
from palmette_plugins.engines.profiling import profile_layers, totals


def fresh(reference="zoo:resnet20?in_channels=3&num_classes=10"):
    return load_model_reference(reference, "model", None, None, seed=0).module


def without(module, *names):
    return apply_edit(module, Edit(name="drop_blocks", arguments={"names": list(names)}))


def test_every_remaining_tensor_is_bit_identical_and_keeps_its_name():
    before = fresh().state_dict()

    after = without(fresh(), "stages.0.1", "stages.2.2").state_dict()

    gone = set(before) - set(after)
    assert gone
    assert all(name.startswith(("stages.0.1.", "stages.2.2.")) for name in gone)
    assert all(torch.equal(before[name], tensor) for name, tensor in after.items())


@pytest.mark.parametrize("size", [8, 28, 32])
def test_all_removable_blocks_can_go_at_any_input_size(size):
    module = fresh()
    images = torch.randn(2, 3, size, size)
    shape = module(images).shape

    assert without(module, *removable_blocks(module))(images).shape == shape


@pytest.mark.parametrize(
    ("block", "convolutions", "norms", "macs"),
    [("stages.0.1", 4_608, 64, 4_608 * 32 * 32), ("stages.2.1", 73_728, 256, 73_728 * 8 * 8)],
)
def test_parameters_and_macs_fall_by_exactly_the_blocks_own(block, convolutions, norms, macs):
    whole, rest = (totals(profile_layers(module, (3, 32, 32))) for module in (fresh(), without(fresh(), block)))

    assert whole.parameters - rest.parameters == convolutions + norms
    assert whole.macs - rest.macs == macs


def test_a_block_that_adds_nothing_can_go_without_changing_the_function():
    module = fresh().eval()
    nn.init.zeros_(module.stages[1][2].bn2.weight)
    images = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        before = module(images)

        after = without(module, "stages.1.2")(images)

    assert torch.allclose(before, after, atol=1e-6)


def test_nothing_dead_is_left_in_the_graph():
    module = without(fresh(), "stages.0.1")

    assert "stages.0.1" not in dict(module.named_modules())
    assert len(module.stages[0]) == 2


@pytest.mark.parametrize("reference", ["zoo:tiny-gpt", "timm:vit_tiny_patch16_224?img_size=32&num_classes=3"])
def test_layers_of_transformers_can_go(reference):
    module = fresh(reference).eval()
    inputs = torch.zeros(1, 16, dtype=torch.int64) if "gpt" in reference else torch.zeros(1, 3, 32, 32)
    shape = module(inputs).shape
    names = removable_blocks(module)

    assert without(module, names[1], names[-1])(inputs).shape == shape
    assert removable_blocks(module) == [name for name in names if name not in (names[1], names[-1])]


@pytest.mark.parametrize("name", ["stages.1.0", "stages.0.9", "conv1", ""])
def test_what_is_no_removable_block_is_named_and_nothing_is_changed(name):
    module = fresh()

    with pytest.raises(InvalidArgument, match=f"'{name}' is not a removable block"):
        without(module, "stages.0.1", name)

    assert len(module.stages[0]) == 3
