"""`fashion-mnist`: real files, exact and balanced sizes, and what happens when files are missing or damaged."""

import gzip
import shutil
import socket
import time

import pytest
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets import fashion_mnist_files


@pytest.fixture(scope="module")
def whole():
    return load_dataset("fashion-mnist")


def test_the_whole_set_loads_within_two_seconds_of_computing():
    started_s = time.process_time()
    load_dataset("fashion-mnist")

    assert time.process_time() - started_s < 2.0


def test_sizes_are_exact_and_balanced(whole):
    assert dict(whole.info.sizes) == {"train": 55_000, "validation": 5_000, "test": 10_000}
    for name, each in (("train", 5_500), ("validation", 500), ("test", 1_000)):
        assert whole[name].tensors[1].bincount().tolist() == [each] * 10


def test_the_recorded_mean_and_deviation_are_those_of_the_training_images(whole):
    images = torch.cat([whole["train"].tensors[0], whole["validation"].tensors[0]])
    recipe = whole.info.preprocessing

    assert abs(float(images.mean()) * recipe["std"][0]) < 1e-4
    assert float(images.std()) == pytest.approx(1.0, abs=1e-3)


def test_limits_take_the_first_of_each_class_and_never_validation_images(whole):
    limited = load_dataset("fashion-mnist?limit=1003&test_limit=50")

    assert dict(limited.info.sizes) == {"train": 1003, "validation": 100, "test": 50}
    counts = limited["train"].tensors[1].bincount()
    assert int(counts.max()) - int(counts.min()) <= 1
    first_of_class_7 = whole["train"].tensors[0][whole["train"].tensors[1] == 7][:5]
    assert torch.equal(limited["train"].tensors[0][limited["train"].tensors[1] == 7][:5], first_of_class_7)
    kept = {image.numpy().tobytes() for image in limited["validation"].tensors[0]}
    whole_validation = {image.numpy().tobytes() for image in whole["validation"].tensors[0]}
    assert kept <= whole_validation


def test_equal_content_has_equal_fingerprints(whole):
    assert whole.fingerprint == load_dataset("fashion-mnist?limit=55000").fingerprint
    assert whole.fingerprint != load_dataset("fashion-mnist?limit=54999").fingerprint


def test_augmentation_is_for_training_images_and_needs_known_names():
    assert load_dataset("fashion-mnist?limit=100&augment=crop,flip").train_augmentation is not None
    assert load_dataset("fashion-mnist?limit=100").train_augmentation is None
    with pytest.raises(InvalidArgument, match="'crop' or 'flip'"):
        describe_dataset("fashion-mnist?augment=blur", "data")


def test_limits_out_of_range_are_named_all_at_once():
    with pytest.raises(InvalidArgument) as caught:
        describe_dataset("fashion-mnist?limit=5&test_limit=10001", "data")

    assert len(caught.value.violations) == 2


@pytest.fixture
def _not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(fashion_mnist_files, "_INSTALLED", tmp_path / "nothing")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("_not_installed")
def test_without_files_and_without_network_the_error_says_how_to_get_them(monkeypatch, tmp_path):
    def refuse(*_args, **_kwargs):
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    with pytest.raises(InvalidArgument, match="apt-get install dataset-fashion-mnist"):
        describe_dataset("fashion-mnist", "data")
    assert list((tmp_path / "cache").rglob("*.gz")) == []
    assert list((tmp_path / "cache" / "palmette" / "datasets").iterdir()) == []


def test_a_damaged_file_is_named(monkeypatch, tmp_path):
    broken = tmp_path / "fashion-mnist"
    shutil.copytree(fashion_mnist_files._INSTALLED, broken)
    images = broken / "train-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(gzip.decompress(images.read_bytes())[:-100], 1))
    monkeypatch.setattr(fashion_mnist_files, "_INSTALLED", broken)

    with pytest.raises(InvalidArgument, match=r"train-images-idx3-ubyte\.gz is damaged"):
        load_dataset("fashion-mnist")


def test_a_truncated_archive_is_named_at_submission_or_loading(monkeypatch, tmp_path):
    broken = tmp_path / "fashion-mnist"
    shutil.copytree(fashion_mnist_files._INSTALLED, broken)
    (broken / "train-images-idx3-ubyte.gz").write_bytes(b"not an archive")
    monkeypatch.setattr(fashion_mnist_files, "_INSTALLED", broken)

    with pytest.raises(InvalidArgument, match="is damaged"):
        describe_dataset("fashion-mnist", "data")
