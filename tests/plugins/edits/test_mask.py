"""`mask`: a buffer on the layer, and the same function as before."""

import pytest
import torch

from palmette_plugins.api import Edit, InvalidArgument
from palmette_plugins.api.edits import apply_edit
from palmette_plugins.architectures.loading import load_model_reference


def masked(module, *layers):
    return apply_edit(module, Edit(name="mask", arguments={"layers": list(layers)}))


@pytest.fixture
def module():
    return load_model_reference("zoo:resnet20?width=4", "model", None, None, seed=0).module.eval()


def test_masks_are_all_true_shaped_like_the_weight_and_saved(module):
    masked(module, "conv1", "fc")

    for layer in (module.conv1, module.fc):
        assert layer.weight_mask.dtype == torch.bool
        assert layer.weight_mask.shape == layer.weight.shape
        assert bool(layer.weight_mask.all())
    assert {name for name in module.state_dict() if "weight_mask" in name} == {"conv1.weight_mask", "fc.weight_mask"}


def test_the_function_does_not_change(module):
    images = torch.randn(2, 3, 16, 16)
    before = module(images)

    assert torch.equal(masked(module, "conv1", "fc")(images), before)


def test_a_second_edit_keeps_the_masks_that_are_there(module):
    masked(module, "conv1")
    module.conv1.weight_mask[0] = False

    masked(module, "conv1", "fc")

    assert not bool(module.conv1.weight_mask[0].any())


@pytest.mark.parametrize("name", ["conv2", "stages.0", ""])
def test_a_name_without_a_weight_is_refused(module, name):
    with pytest.raises(InvalidArgument, match=f"'{name}' is not a layer with a weight"):
        masked(module, name)
