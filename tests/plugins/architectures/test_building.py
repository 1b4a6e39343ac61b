"""Models made of other models: parts in order, names apart, the mean of their logits."""

import pytest
import torch

from palmette_plugins.api import InvalidArgument, LoadedModel, ModelSpec
from palmette_plugins.architectures.building import build, part_names
from palmette_plugins.architectures.loading import load_model_reference

PARTS = [*["zoo:mlp?in_features=64&num_classes=10&hidden=4"] * 11, "zoo:resnet20?in_channels=1&num_classes=10&width=4"]


@pytest.fixture
def spec():
    parts = {str(index): ModelSpec(architecture=text) for index, text in enumerate(PARTS)}
    return ModelSpec(architecture="zoo:logit-average", parts=parts, task="classification", runtime="torch")


def test_parts_are_ordered_as_numbers_not_as_text(spec):
    shuffled = spec.model_copy(update={"parts": dict(sorted(spec.parts.items()))})

    assert list(shuffled.parts)[:3] == ["0", "1", "10"]
    assert part_names(shuffled) == [str(index) for index in range(12)]
    assert type(build(shuffled).members[11]).__name__ == "ResNet"


def test_its_logits_are_the_mean_of_the_members(spec, digits):
    ensemble = build(spec).eval()
    images = digits["test"].tensors[0][:5]

    with torch.inference_mode():
        expected = sum(member(images) for member in ensemble.members) / 12

        assert torch.allclose(ensemble(images), expected, atol=1e-6)


def test_it_comes_back_from_its_artifact_member_by_member(spec, digits, store, save):
    ensemble = LoadedModel(build(spec), spec, "ensemble")
    reference = save(ensemble, digits)

    back = load_model_reference(reference, "model", digits.info, store, seed=0)

    before = ensemble.module.state_dict()
    assert "members.11.conv1.weight" in before
    assert back.spec.runtime == "torch"
    assert all(torch.equal(before[name], tensor) for name, tensor in back.module.state_dict().items())


def test_architectures_that_are_not_made_of_others_refuse_parts(spec):
    for architecture in ("zoo:resnet20", "timm:resnet18"):
        with pytest.raises(InvalidArgument, match="is not made of other models"):
            build(spec.model_copy(update={"architecture": architecture}))
