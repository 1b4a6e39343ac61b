"""The zoo: exact counts of the papers' networks, shapes, and what is refused."""

import pytest
import torch
from torch import nn

from palmette_plugins.api import InvalidArgument, Reference
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.architectures.width import width_factor, with_width_factor


def loaded(reference, data=None):
    return load_model_reference(reference, "model", data, None, seed=0)


def count(module, *types):
    """Return the parameters of a module, or the weights of its layers of some types."""
    if not types:
        return sum(parameter.numel() for parameter in module.parameters())
    return sum(part.weight.numel() for part in module.modules() if isinstance(part, types))


@pytest.mark.parametrize(
    ("reference", "weights", "parameters"),
    [
        ("zoo:resnet20", 270_896, 272_474),
        ("zoo:resnet20?in_channels=1", 270_608, 272_186),
    ],
)
def test_resnet20_has_exactly_the_weights_of_the_card(reference, weights, parameters):
    module = loaded(reference).module

    assert count(module, nn.Conv2d, nn.Linear) == weights
    assert count(module) == parameters
    assert count(module, nn.BatchNorm2d) * 2 == 1_568


@pytest.mark.parametrize(("name", "blocks"), [("resnet20", 3), ("resnet32", 5), ("resnet44", 7), ("resnet56", 9)])
def test_resnets_have_three_equal_stages(name, blocks):
    module = loaded(f"zoo:{name}").module

    assert [len(stage) for stage in module.stages] == [blocks] * 3


@pytest.mark.parametrize(
    ("reference", "parameters"),
    [
        # 36.5 M in the paper; the number without the classifier's bias is 36,536,784.
        ("zoo:wrn-28-10?num_classes=100&classifier_bias=false", 36_536_784),
        ("zoo:wrn-28-10?num_classes=100", 36_536_884),
        ("zoo:wrn-16-8", 10_961_370),
        ("zoo:resnet110", 1_730_714),
        ("zoo:vgg16-bn", 14_724_042),
        ("zoo:mlp", 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10),
        ("zoo:mlp?hidden=", 784 * 10 + 10),
    ],
)
def test_parameters_are_those_of_the_architecture(reference, parameters):
    assert count(inspect_model_reference(reference, "model", None, None).module) == parameters


@pytest.mark.parametrize("size", [8, 28, 32, 33])
@pytest.mark.parametrize("name", ["resnet20?width=4", "wrn-10-1", "vgg16-bn?width=4"])
def test_convolutional_networks_take_images_of_any_size(name, size):
    module = loaded(f"zoo:{name}").module

    assert module(torch.zeros(2, 3, size, size)).shape == (2, 10)


def test_a_pre_activation_block_of_equal_width_passes_its_input_on_unchanged():
    block = loaded("zoo:wrn-16-1").module.stages[0][1].eval()
    nn.init.zeros_(block.conv2.weight)
    images = torch.randn(2, 16, 8, 8)

    assert torch.equal(block(images), images)


def test_data_decides_what_the_reference_leaves_open(digits, manual):
    assert loaded("zoo:resnet20", digits.info).spec.architecture == "zoo:resnet20?in_channels=1&num_classes=10&width=16"
    assert loaded("zoo:mlp", digits.info).module(digits["test"].tensors[0][:3]).shape == (3, 10)
    language_model = loaded("zoo:tiny-gpt?layers=1", manual.info)
    assert "vocabulary=256&context=32&layers=1" in language_model.spec.architecture
    assert language_model.module(manual["test"].tensors[0][:2]).shape == (2, 32, 256)


def test_tiny_gpt_never_looks_ahead(manual):
    module = loaded("zoo:tiny-gpt?layers=2", manual.info).module.eval()
    tokens = manual["test"].tensors[0][:1].clone()
    before = module(tokens)
    tokens[0, 20] = (tokens[0, 20] + 1) % 256

    after = module(tokens)

    assert torch.allclose(before[:, :20], after[:, :20], atol=1e-5)
    assert not torch.allclose(before[:, 20:], after[:, 20:], atol=1e-5)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("zoo:resnet21", r"the depth must be 6n \+ 2; the nearest is resnet20"),
        ("zoo:wrn-17-2", "nearest is wrn-16-2"),
        ("zoo:wrn-16-0", "nearest is wrn-16-1"),
        ("zoo:resnet", "did you mean 'resnet"),
        ("zoo:resnet20?widht=8", "no parameter 'widht'; did you mean 'width'"),
        ("zoo:resnet20?width=0", "'width' of 'zoo:resnet20': Input should be greater than or equal to 1, got '0'"),
        ("zoo:mlp?hidden=8,x", "'hidden'"),
        ("zoo:tiny-gpt?heads=3", "must be a multiple of 2"),
        ("zoo:logit-average", "model-averaging"),
        ("zo:resnet20", "did you mean 'zoo'"),
        ("resnet20", "'resnet20' has no scheme; did you mean 'zoo:resnet20'"),
        ("nothing:x", "no model scheme named 'nothing'; known: artifact, clip, hf, timm, zoo"),
        ("", "not a reference"),
    ],
)
def test_impossible_references_are_refused_with_what_would_be_right(reference, said):
    for look in (loaded, lambda text: inspect_model_reference(text, "model", None, None)):
        with pytest.raises(InvalidArgument, match=said) as caught:
            look(reference)
        assert {violation.field for violation in caught.value.violations} == {"model"}


@pytest.mark.parametrize(
    ("reference", "factor", "scaled"),
    [
        (
            "zoo:wrn-10-2?in_channels=1&num_classes=10&stem=16&classifier_bias=true",
            1,
            "wrn-10-1",
        ),
        ("zoo:resnet20?in_channels=1&num_classes=10&width=16", 32, "resnet20"),
        ("zoo:vgg16-bn?in_channels=1&num_classes=10&width=64", 32, "vgg16-bn"),
    ],
)
def test_a_width_factor_scales_every_inner_width_and_nothing_else(reference, factor, scaled):
    old = Reference.parse(reference)
    new = with_width_factor(old, factor)
    ratio = factor / width_factor(old)

    assert new.target == scaled
    assert width_factor(new) == factor
    before, after = (dict(loaded(str(text)).module.named_parameters()) for text in (old, new))
    assert list(before) == list(after)
    for name, parameter in after.items():
        outer = {0} if name.startswith(("fc", "classifier")) else set()
        outer |= {1} if name in ("conv1.weight", "features.0.weight") else set()
        inner = [size * (1 if axis in outer or axis > 1 else ratio) for axis, size in enumerate(before[name].shape)]
        assert list(parameter.shape) == inner


def test_a_stem_that_would_not_be_whole_and_a_model_without_width_are_refused():
    with pytest.raises(InvalidArgument, match="stem of 16 channels would not be whole"):
        with_width_factor(Reference.parse("zoo:wrn-10-3?in_channels=1&num_classes=10&stem=16&classifier_bias=true"), 1)
    mlp = Reference.parse("zoo:mlp?in_features=4&num_classes=2&hidden=3")
    assert width_factor(mlp) is None
    with pytest.raises(InvalidArgument, match="has no width factor"):
        with_width_factor(mlp, 2)
    assert width_factor(Reference.parse("timm:resnet18?num_classes=2&in_chans=1")) is None
