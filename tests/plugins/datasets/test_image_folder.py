"""`imagefolder:`: layouts, and every way in which a folder can be wrong."""

import numpy as np
import pytest
import torch
from PIL import Image

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets import image_folder
from palmette_plugins.datasets.batches import ordered_batches


def make_images(folder, count, size=(8, 8), mode="RGB", seed=0):
    """Write `count` PNG files of real, different pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([seed, len(folder.name), ord(folder.name[0])])
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    for index in range(count):
        Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{index:03}.png")


@pytest.fixture
def flat(tmp_path):
    for name in ("ant", "bee", "cat"):
        make_images(tmp_path / "images" / name, 10)
    return tmp_path / "images"


def refused(reference):
    """Return what is said when the reference is loaded."""
    with pytest.raises(InvalidArgument) as caught:
        load_dataset(reference, "inputs.data")
    assert {violation.field for violation in caught.value.violations} == {"inputs.data"}
    return str(caught.value)


def test_one_folder_is_split_seven_one_two(flat):
    data = load_dataset(f"imagefolder:{flat}")

    assert data.info == describe_dataset(f"imagefolder:{flat}", "data")
    assert dict(data.info.sizes) == {"train": 21, "validation": 3, "test": 6}
    assert data.info.labels == ("ant", "bee", "cat")
    assert data["test"].tensors[1].bincount().tolist() == [2, 2, 2]


def test_pixels_are_standardised_as_recorded(flat):
    data = load_dataset(f"imagefolder:{flat}")
    recipe = data.info.preprocessing
    mean, std = (torch.tensor(recipe[name]).view(3, 1, 1) for name in ("mean", "std"))

    raw = {
        torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1) for file in sorted(flat.rglob("*.png"))
    }
    inputs = torch.cat([data[name].tensors[0] for name in ("train", "validation", "test")])
    restored = ((inputs * std + mean) / recipe["scale"]).round().to(torch.uint8)

    assert {image.numpy().tobytes() for image in restored} == {image.numpy().tobytes() for image in raw}


def test_given_splits_are_kept_and_a_missing_one_is_carved_from_the_training_images(tmp_path):
    for name in ("ant", "bee"):
        make_images(tmp_path / "train" / name, 20)
        make_images(tmp_path / "val" / name, 4, seed=1)

    data = load_dataset(f"imagefolder:{tmp_path}")

    assert dict(data.info.sizes) == {"train": 32, "validation": 8, "test": 8}


def test_the_split_does_not_change_when_the_folder_moves(flat, tmp_path):
    before = load_dataset(f"imagefolder:{flat}").fingerprint
    moved = flat.rename(tmp_path / "elsewhere")

    assert load_dataset(f"imagefolder:{moved}").fingerprint == before
    assert load_dataset(f"imagefolder:{moved}?seed=1").fingerprint != before


def test_one_changed_pixel_changes_the_fingerprint(flat):
    before = load_dataset(f"imagefolder:{flat}").fingerprint
    file = flat / "ant" / "000.png"
    pixels = np.asarray(Image.open(file)).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(file)

    assert load_dataset(f"imagefolder:{flat}").fingerprint != before


def test_size_brings_different_images_to_one_size_and_grey_is_kept(tmp_path):
    make_images(tmp_path / "ant", 4, size=(9, 13), mode="L")
    make_images(tmp_path / "bee", 4, size=(20, 6), mode="L")

    data = load_dataset(f"imagefolder:{tmp_path}?size=8")

    assert data.info.input_shape == (1, 8, 8)
    assert data.info.preprocessing["resize"] == 8
    assert load_dataset(f"imagefolder:{tmp_path}?size=8&channels=3").info.input_shape == (3, 8, 8)


def test_sets_too_large_for_memory_are_decoded_as_needed_with_the_same_result(flat, monkeypatch):
    in_memory = load_dataset(f"imagefolder:{flat}")
    monkeypatch.setattr(image_folder, "_IN_MEMORY_BYTES", 0)

    lazy = load_dataset(f"imagefolder:{flat}")

    assert lazy.fingerprint == in_memory.fingerprint
    (images, classes), *rest = ordered_batches(lazy["test"], 100)
    assert not rest
    assert torch.equal(images, in_memory["test"].tensors[0])
    assert torch.equal(classes, in_memory["test"].tensors[1])


def test_a_missing_folder_is_named(tmp_path):
    assert f"{tmp_path}/nowhere does not exist" in refused(f"imagefolder:{tmp_path}/nowhere")


def test_a_file_in_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")

    assert "is not a folder" in refused(f"imagefolder:{tmp_path}/file")


def test_an_empty_class_is_named_with_what_counts_as_an_image(flat):
    (flat / "dog").mkdir()
    (flat / "dog" / "notes.txt").write_text("no image")

    said = refused(f"imagefolder:{flat}")

    assert "class 'dog' is empty" in said
    assert "png" in said


def test_a_single_class_is_refused(tmp_path):
    make_images(tmp_path / "ant", 5)

    assert "at least two classes; it has only 'ant'" in refused(f"imagefolder:{tmp_path}")


def test_a_class_too_small_to_share_is_named(flat):
    make_images(flat / "dog", 2)

    said = refused(f"imagefolder:{flat}")

    assert "dog has 2 image(s); a class needs at least 3" in said


def test_a_class_without_training_images_is_named(tmp_path):
    for name in ("ant", "bee"):
        make_images(tmp_path / "train" / name, 5)
    make_images(tmp_path / "test" / "ant", 2)
    make_images(tmp_path / "test" / "bees", 2)

    assert "test/bees is a class without training images; did you mean 'bee'?" in refused(f"imagefolder:{tmp_path}")


def test_an_unreadable_image_is_named(flat):
    (flat / "bee" / "003.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")

    assert "cannot read the image" in refused(f"imagefolder:{flat}")
    assert "bee/003.png" in refused(f"imagefolder:{flat}")


def test_a_truncated_image_is_named(flat):
    file = flat / "cat" / "005.png"
    file.write_bytes(file.read_bytes()[:-40])

    assert "cat/005.png" in refused(f"imagefolder:{flat}")


def test_an_image_of_another_size_is_named_with_the_way_out(flat):
    make_images(flat / "cat", 1, size=(7, 8))

    said = refused(f"imagefolder:{flat}")

    assert "cat/000.png is 7x8, others are 8x8" in said
    assert "add size=8" in said


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("size=0", "'size'"),
        ("channels=2", "1 or 3, got '2'"),
        ("augment=blur", "'crop' or 'flip'"),
        ("sise=8", "'size'"),
    ],
)
def test_wrong_parameters_are_named(flat, query, said):
    assert said in refused(f"imagefolder:{flat}?{query}")


def test_no_folder_at_all_is_explained():
    assert "write imagefolder:/path/to/images" in refused("imagefolder")
