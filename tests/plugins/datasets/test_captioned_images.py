"""Labelled images as pairs, and captions that are wrong in known places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets.captioned_images import TEMPLATES, raw_pixels
from palmette_plugins.datasets.pair_dataset import PairDataset
from palmette_plugins.datasets.pair_pool import RawPair
from palmette_plugins.datasets.pair_preparation import default_preparation


def pairs_of(reference: str) -> list[RawPair]:
    data = load_dataset(reference)
    assert isinstance(data, PairDataset)
    return list(data.pool.pairs())


def test_every_image_has_a_caption_with_its_class() -> None:
    pairs = pairs_of("captioned:digits?limit=300")
    shapes = {template.split("{}")[0] for template in TEMPLATES}
    assert all(any(pair.caption.startswith(shape) for shape in shapes) for pair in pairs)
    assert len({pair.caption for pair in pairs}) > 30  # ten classes in several templates
    assert len({pair.uid for pair in pairs}) == 300


def test_skipped_sets_do_not_overlap_and_uids_stay() -> None:
    whole = [pair.uid for pair in pairs_of("captioned:digits?limit=60")]
    assert [pair.uid for pair in pairs_of("captioned:digits?limit=20&skip=40")] == whole[40:]


def test_exactly_the_asked_share_is_spoiled_in_every_hundred() -> None:
    honest, spoiled = pairs_of("captioned:digits?limit=400"), pairs_of("captioned:digits?limit=400&spoiled=0.7")
    wrong = np.array([pair.clean is False for pair in spoiled])
    assert wrong.reshape(4, 100).sum(axis=1).tolist() == [70] * 4
    changed = np.array([a.caption != b.caption for a, b in zip(honest, spoiled, strict=True)])
    assert (changed == wrong).all()
    assert [pair.uid for pair in honest] == [pair.uid for pair in spoiled]


def test_half_of_the_wrong_captions_name_another_class_and_half_are_four_words_of_junk() -> None:
    honest, spoiled = pairs_of("captioned:digits?limit=400"), pairs_of("captioned:digits?limit=400&spoiled=0.7")
    known = {pair.caption for pair in honest}
    wrong = [pair.caption for pair in spoiled if not pair.clean]
    junk = [caption for caption in wrong if caption not in known]
    assert len(junk) == len(wrong) / 2
    assert all(len(caption.split()) == 4 for caption in junk)


def test_the_seed_decides_what_is_spoiled() -> None:
    first, again, other = (
        [pair.caption for pair in pairs_of(f"captioned:digits?limit=100&spoiled=0.5&seed={seed}")] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_pixels_of_a_photo_come_back_exactly() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    preparation = default_preparation(1, 16)
    inputs = preparation.standardised(torch.from_numpy(pixels))
    assert (raw_pixels(inputs, {"mean": preparation.mean, "std": preparation.std}) == pixels).all()


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("captioned", "needs labelled images"),
        ("captioned:prose", "is not a set of labelled images"),
        ("captioned:digits?limit=5000", "not to be had"),
        ("captioned:digits?templates=a photo", "each template needs one"),
        ("captioned:digits?of_limit=1", "limit must be from 10"),
        ("captioned:digits?spoiled=2", "less than or equal to 1"),
    ],
)
def test_bad_references_are_refused(reference: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        describe_dataset(reference, "inputs.pool")
