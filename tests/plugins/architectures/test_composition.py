"""Ensembles: the mean of logits, saved as one model of several specs."""

import pytest
import torch

from palmette_plugins.architectures.building import part_names
from palmette_plugins.architectures.composition import logit_average
from palmette_plugins.architectures.loading import load_model_reference


@pytest.fixture
def members(digits):
    references = [*["zoo:mlp?hidden=4"] * 11, "zoo:resnet20?width=4"]
    return [load_model_reference(text, "members", digits.info, None, seed=seed) for seed, text in enumerate(references)]


def test_its_logits_are_the_mean_of_the_members(members, digits):
    images = digits["test"].tensors[0][:5]
    with torch.inference_mode():
        expected = sum(member.module.eval()(images) for member in members) / len(members)

        assert torch.allclose(logit_average(members).module.eval()(images), expected, atol=1e-6)


def test_it_comes_back_from_its_artifact_member_by_member(members, digits, store, save):
    ensemble = logit_average(members)
    reference = save(ensemble, digits)

    back = load_model_reference(reference, "model", digits.info, store, seed=0)

    assert part_names(back.spec) == [str(index) for index in range(12)]
    assert back.spec.runtime == "torch"
    assert back.spec.parts["11"].architecture.startswith("zoo:resnet20")
    before = ensemble.module.state_dict()
    assert "members.11.conv1.weight" in before
    assert all(torch.equal(before[name], tensor) for name, tensor in back.module.state_dict().items())
