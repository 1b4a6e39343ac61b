"""`digits`: exact sizes, all classes in every split, standardised."""

import numpy as np
import pytest
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset


def test_the_description_is_what_loads():
    data = load_dataset("digits")

    assert data.info == describe_dataset("digits", "data")
    assert dict(data.info.sizes) == {name: len(split) for name, split in data.splits.items()}
    assert sum(data.info.sizes.values()) == 1797
    assert data["train"][0][0].shape == torch.Size(data.info.input_shape) == torch.Size([1, 8, 8])


def test_every_class_is_in_every_split_in_its_share():
    data = load_dataset("digits")

    counts = {name: split.tensors[1].bincount(minlength=10).numpy() for name, split in data.splits.items()}
    for name, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
        np.testing.assert_allclose(counts[name], share * sum(counts.values()), atol=1.0)


def test_preprocessing_says_how_pixels_became_inputs():
    from sklearn.datasets import load_digits

    data = load_dataset("digits")
    recipe = data.info.preprocessing

    raw = torch.from_numpy(load_digits().images).float().unsqueeze(1)
    expected = (raw * recipe["scale"] - recipe["mean"][0]) / recipe["std"][0]
    inputs = torch.cat([data[name].tensors[0] for name in ("train", "validation", "test")])

    assert torch.allclose(inputs.sum(), expected.sum(), atol=1.0)
    assert torch.allclose(inputs.flatten().sort().values, expected.flatten().sort().values, atol=1e-5)


def test_the_fingerprint_changes_with_the_split_only():
    first, again, other = (load_dataset(text).fingerprint for text in ("digits", "digits?seed=0", "digits?seed=1"))

    assert first == again
    assert first != other
    assert len(first) == 64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("digits:8x8", "takes no target"),
        ("digits?sed=1", "did you mean 'seed'"),
        ("digits?seed=-1", "greater than or equal to 0, got '-1'"),
        ("digits?seed=x", "valid integer"),
        ("dgits", "did you mean 'digits'"),
    ],
)
def test_a_wrong_reference_is_refused_for_its_field(text, said):
    with pytest.raises(InvalidArgument, match=said) as caught:
        describe_dataset(text, "inputs.data")

    assert [violation.field for violation in caught.value.violations] == ["inputs.data"]
