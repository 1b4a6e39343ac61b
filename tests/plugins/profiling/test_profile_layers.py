"""Profiles: exact parameters and multiply-adds, in order of execution, without changing the model."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from palmette_plugins.api.edits import apply_edit
from palmette_plugins.api.layers import CustomLayer, LayerCount
from palmette_plugins.api.spec import Edit
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.engines.profiling import profile_layers, totals


def module_of(reference):
    return load_model_reference(reference, "model", None, None, seed=0).module


def by_name(profiles):
    return {profile.name: profile for profile in profiles}


@pytest.mark.parametrize(
    "reference", ["zoo:resnet20", "zoo:wrn-10-2", "zoo:vgg16-bn?width=8", "timm:resnet18", "timm:mobilenetv3_small_100"]
)
def test_layers_add_up_to_all_parameters_of_the_model(reference):
    module = module_of(reference)

    profiles = profile_layers(module, (3, 32, 32))

    assert totals(profiles).parameters == sum(parameter.numel() for parameter in module.parameters())
    assert totals(profiles).nonzeros == sum(int(parameter.count_nonzero()) for parameter in module.parameters())


def test_resnet20_costs_what_its_convolutions_cost_by_hand():
    profiles = profile_layers(module_of("zoo:resnet20"), (3, 32, 32))

    stem = 3 * 16 * 9 * 32**2
    stage_1 = 6 * 16 * 16 * 9 * 32**2
    stage_2 = (16 * 32 * 9 + 16 * 32 + 5 * 32 * 32 * 9) * 16**2
    stage_3 = (32 * 64 * 9 + 32 * 64 + 5 * 64 * 64 * 9) * 8**2
    assert totals(profiles).macs == stem + stage_1 + stage_2 + stage_3 + 64 * 10
    assert sum(profile.maskable for profile in profiles) == 22
    assert sum(profile.parameters for profile in profiles if profile.type == "BatchNorm2d") == 1568


def test_layers_come_in_the_order_in_which_they_run():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(4, 2)
            self.unused = nn.Linear(3, 3)
            self.first = nn.Linear(4, 4)

        def forward(self, x):
            return self.last(self.first(x))

    profiles = profile_layers(Backwards(), (4,))

    assert [profile.name for profile in profiles] == ["first", "last", "unused"]
    assert [profile.macs for profile in profiles] == [16, 8, 0]
    assert profiles[0].output_shape == (4,)
    assert profiles[2].output_shape == ()


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (nn.Conv2d(4, 8, 3, stride=2, padding=1), (4, 9, 9), 8 * 4 * 9 * 5 * 5),
        (nn.Conv2d(4, 8, 3, groups=4), (4, 9, 9), 8 * 1 * 9 * 7 * 7),
        (nn.Conv1d(4, 8, 3), (4, 10), 8 * 4 * 3 * 8),
        (nn.Conv3d(1, 2, 2), (1, 3, 3, 3), 2 * 8 * 8),
        (nn.ConvTranspose2d(4, 8, 2, stride=2), (4, 5, 5), 4 * 8 * 4 * 5 * 5),
        (nn.Linear(6, 3), (7, 6), 7 * 6 * 3),
    ],
)
def test_each_kind_of_layer_costs_its_weights_times_its_positions(layer, shape, macs):
    (profile,) = profile_layers(layer, shape)

    assert profile.macs == macs
    assert profile.maskable


def test_a_layer_that_runs_twice_costs_twice_and_is_stored_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = nn.Linear(5, 5)

        def forward(self, x):
            return self.shared(self.shared(x))

    total = totals(profile_layers(Twice(), (5,)))

    assert total.macs == 50
    assert total.parameters == 30


def test_tied_weights_are_counted_once():
    module = nn.ModuleDict({"a": nn.Linear(5, 5, bias=False), "b": nn.Linear(5, 5, bias=False)})
    module["b"].weight = module["a"].weight
    both = nn.Sequential(module["a"], module["b"])

    total = totals(profile_layers(both, (5,)))

    assert total.parameters == 25
    assert total.macs == 50


def test_zeros_lower_nonzeros_and_effective_macs_by_exactly_their_share():
    module = apply_edit(module_of("zoo:resnet20"), Edit(name="mask", arguments={"layers": ["stages.0.0.conv1"]}))
    layer = module.stages[0][0].conv1
    layer.weight_mask[:4] = False
    with torch.no_grad():
        layer.weight *= layer.weight_mask

    profile = by_name(profile_layers(module, (3, 32, 32)))["stages.0.0.conv1"]

    assert profile.density == 0.75
    assert profile.nonzeros == 12 * 16 * 9
    assert profile.effective_macs == profile.macs * 3 // 4


@pytest.mark.parametrize("heads", [1, 4])
def test_attention_costs_queries_with_keys_and_scores_with_values(heads):
    length, width = 16, 32
    module = module_of(f"zoo:tiny-gpt?layers=1&d_model={width}&heads={heads}")

    profiles = profile_layers(module, (torch.zeros(1, length, dtype=torch.int64),))

    attention = by_name(profiles)["model.gpt_neox.layers.0.attention"]
    assert attention.macs == 2 * length * length * width
    assert not attention.maskable
    per_token = width * 3 * width + width * width + 2 * width * 4 * width + width * 256
    assert totals(profiles).macs == attention.macs + length * per_token


@pytest.mark.parametrize("training", [True, False])
def test_attention_costs_the_same_in_every_form(training):
    width, length = 16, 9
    inputs = (torch.zeros(1, length, width),)
    fused = nn.TransformerEncoderLayer(width, 2, 32, batch_first=True).train(training)

    class ByHand(nn.Module):
        def forward(self, x):
            return F.softmax(x @ x.transpose(1, 2), dim=-1) @ x

    expected = length * (4 * width * width + 2 * width * 32) + 2 * length * length * width
    assert totals(profile_layers(fused, inputs)).macs == expected
    assert totals(profile_layers(ByHand(), inputs)).macs == 2 * length * length * width


def test_a_custom_layer_says_itself_what_it_costs():
    class Halves(CustomLayer, nn.Module):
        def __init__(self):
            nn.Module.__init__(self)
            self.inner = nn.Linear(6, 6)

        def forward(self, x):
            return self.inner(x)

        def materialise(self):
            return None

        def count(self, input_shape, output_shape):
            assert (input_shape, output_shape) == ((6,), (6,))
            return LayerCount(parameters=7, nonzeros=6, macs=5, effective_macs=4)

    profiles = profile_layers(nn.Sequential(Halves(), nn.Linear(6, 1)), (6,))

    assert [(profile.type, profile.macs) for profile in profiles] == [("Halves", 5), ("Linear", 6)]
    assert totals(profiles).parameters == 7 + 7


@pytest.mark.parametrize("reference", ["zoo:resnet20", "zoo:tiny-gpt"])
def test_a_structure_without_memory_has_the_same_profile(reference):
    inputs = torch.zeros(1, 128, dtype=torch.int64) if "gpt" in reference else torch.zeros(1, 3, 32, 32)
    structure = inspect_model_reference(reference, "model", None, None).module

    real = profile_layers(module_of(reference), (inputs,))
    seen = profile_layers(structure, (inputs.to("meta"),))

    assert [(p.name, p.macs, p.parameters, p.output_shape) for p in seen] == [
        (p.name, p.macs, p.parameters, p.output_shape) for p in real
    ]
    assert totals(seen).nonzeros == totals(seen).parameters


def test_profiling_leaves_no_trace():
    module = module_of("zoo:resnet20?width=4").train()
    module.bn1.eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    random_state = torch.get_rng_state()

    profile_layers(module, (3, 8, 8))

    assert module.training
    assert not module.bn1.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_failing_forward_leaves_no_hook_behind():
    module = module_of("zoo:mlp")

    with pytest.raises(RuntimeError):
        profile_layers(module, (5,))

    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
