"""`limit` and `test_limit` mean the same for every dataset."""

import numpy as np
import pytest
import torch
from PIL import Image

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of texts, and one of images with 40 and 200 of two classes."""
    root = tmp_path_factory.mktemp("data")
    (root / "a.txt").write_bytes(bytes(range(32, 127)) * 400)
    generator = np.random.default_rng(0)
    for name, count in (("ant", 40), ("bee", 200)):
        (root / "images" / name).mkdir(parents=True)
        for index in range(count):
            pixels = generator.integers(0, 256, (4, 4), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "images" / name / f"{index:03}.png")
    return root


@pytest.fixture
def reference(request, folders):
    return request.param.format(folders)


DATASETS = pytest.mark.parametrize(
    "reference",
    ["fashion-mnist?", "digits?", "imagefolder:{}/images?", "text:{}/a.txt?context=16&", "prose?", "manual?"],
    indirect=True,
)


@DATASETS
@pytest.mark.parametrize(("limit", "validation"), [(150, 15), (100, 10)])
def test_a_limit_counts_training_examples_and_keeps_a_tenth_as_many_for_validation(reference, limit, validation):
    data = load_dataset(f"{reference}limit={limit}&test_limit=20")

    sizes = {"train": limit, "validation": validation, "test": 20}
    assert {name: len(split) for name, split in data.splits.items()} == sizes
    assert data.info == describe_dataset(f"{reference}limit={limit}&test_limit=20", "data")
    assert dict(data.info.sizes) == sizes


@DATASETS
def test_a_limit_takes_away_and_mixes_nothing(reference):
    limited, whole = load_dataset(f"{reference}limit=100&test_limit=20"), load_dataset(reference.rstrip("?&"))

    for name, split in limited.splits.items():
        kept = {example.numpy().tobytes() for example in split.tensors[0]}
        assert kept <= {example.numpy().tobytes() for example in whole[name].tensors[0]}
    assert limited.fingerprint != whole.fingerprint


@DATASETS
def test_each_split_is_limited_by_its_own_limit(reference):
    whole = describe_dataset(reference.rstrip("?&"), "data").sizes

    assert describe_dataset(f"{reference}limit=100", "data").sizes["test"] == whole["test"]
    assert describe_dataset(f"{reference}test_limit=20", "data").sizes == {**whole, "test": 20}


@DATASETS
def test_more_than_there_is_is_refused_with_what_there_is(reference):
    most = describe_dataset(reference.rstrip("?&"), "data").sizes

    with pytest.raises(InvalidArgument) as caught:
        describe_dataset(f"{reference}limit={most['train'] + 1}&test_limit={most['test'] + 1}", "inputs.data")

    assert [violation.field for violation in caught.value.violations] == ["inputs.data"] * 2
    assert str(most["train"]) in caught.value.violations[0].description
    assert str(most["test"]) in caught.value.violations[1].description
    assert describe_dataset(f"{reference}limit={most['train']}", "data").sizes["train"] == most["train"]


@pytest.mark.parametrize(
    ("reference", "classes"), [("fashion-mnist?", 10), ("digits?", 10), ("imagefolder:{}/images?", 2)],
    indirect=["reference"],
)  # fmt: skip
def test_images_are_taken_evenly_and_every_class_stays(reference, classes):
    data = load_dataset(f"{reference}limit={classes}&test_limit={classes}")

    for split in data.splits.values():
        assert torch.equal(split.tensors[1].bincount(), torch.ones(classes, dtype=torch.int64))
    with pytest.raises(InvalidArgument):
        describe_dataset(f"{reference}limit={classes - 1}", "data")


def test_a_class_that_is_used_up_leaves_its_part_to_the_others(folders):
    data = load_dataset(f"imagefolder:{folders}/images?limit=150")

    assert data["train"].tensors[1].bincount().tolist() == [28, 122]  # 70 % of 40, and the rest
