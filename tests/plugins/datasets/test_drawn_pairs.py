"""Emoji and icons, from packages of the same layout as the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets.pair_dataset import PairDataset
from palmette_plugins.datasets.pair_preparation import decoded

from .pair_files import COLOURS, png

CATEGORIES = ("Animals & Nature", "Food & Drink")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def emoji(tmp_path: Path) -> Path:
    """An unpacked emoji package: 40 pictures in two categories, one without a drawing of this vendor."""
    folder = tmp_path / "emoji"
    images = folder / "img" / "google" / "64"
    images.mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    found = []
    for number in range(40):
        file = f"{number:04x}.png"
        (images / file).write_bytes(png(list(COLOURS.values())[number % 4], 64))
        found.append(
            {
                "name": f"THING-NUMBER {number}",
                "short_name": f"thing_{number}",
                "image": file,
                "category": CATEGORIES[number % 2],
                "subcategory": f"sub-{number % 4}",
                "has_img_google": number != 39,
            }
        )
    (folder / "emoji.json").write_text(json.dumps(found))
    return folder


@pytest.fixture
def icons(tmp_path: Path) -> Path:
    """An unpacked icon package: two sets of squares, one drawing damaged."""
    folder = tmp_path / "icons"
    (folder / "json").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    square = '<path fill="currentColor" d="M0 0h{0}v{0}H0z"/>'
    sets = {
        "a": {
            "info": {"name": "Set A"},
            "height": 24,
            "width": 24,
            "icons": {"left-half": {"body": square.format(12)}},
        },
        "b": {
            "info": {"name": "Set B"},
            "icons": {"whole_square": {"body": square.format(16)}, "broken": {"body": "<path d="}},
        },
    }
    for name, content in sets.items():
        (folder / "json" / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_emoji_are_classes(emoji: Path) -> None:
    data = load_dataset(f"emoji?path={emoji}&size=16")
    assert data.info.labels == CATEGORIES
    assert sum(data.info.sizes.values()) == 39
    image, label = data["train"][0]
    assert image.shape == (3, 16, 16)
    assert int(label) in (0, 1)
    assert describe_dataset(f"emoji?path={emoji}&classes=subcategory", "data").num_classes == 4


def test_emoji_are_pairs(emoji: Path) -> None:
    data = load_dataset(f"emoji-pairs?path={emoji}&limit=20")
    assert isinstance(data, PairDataset)
    pairs = list(data.pool.pairs())
    assert len({pair.uid for pair in pairs}) == len(pairs) == 20
    assert all(pair.caption.startswith("thing number ") for pair in pairs)
    assert decoded(pairs[0].image).shape == (3, 64, 64)
    rest = load_dataset(f"emoji-pairs?path={emoji}&skip=20")
    assert isinstance(rest, PairDataset)
    assert not {pair.uid for pair in rest.pool.pairs()} & {pair.uid for pair in pairs}


def test_icons_are_drawn_in_black_on_white(icons: Path) -> None:
    data = load_dataset(f"icons?path={icons}&size=24")
    assert isinstance(data, PairDataset)
    pairs = {pair.caption: pair for pair in data.pool.pairs()}
    assert set(pairs) == {"left half set a", "whole square set b", "broken set b"}
    assert pairs["broken set b"].image == b""
    assert decoded(pairs["whole square set b"].image).max() == 0
    quarter = decoded(pairs["left half set a"].image)
    assert np.array_equal(quarter[0, :12, :12], np.zeros((12, 12)))
    assert quarter[0, 13:, 13:].min() == 255


def test_spoiled_icons_have_captions_of_others(icons: Path) -> None:
    data = load_dataset(f"icons?path={icons}&spoiled=1")
    assert isinstance(data, PairDataset)
    assert [pair.clean for pair in data.pool.pairs()] == [False] * 3


def test_a_missing_package_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgument, match="is not an unpacked npm package"):
        describe_dataset(f"emoji?path={tmp_path}", "data")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidArgument, match=r"npm pack @iconify/json@"):
        describe_dataset("icons", "data")


@pytest.mark.parametrize("reference", ["emoji-pairs:x", "icons:x", "emoji:x", "icons?limit=9", "emoji-pairs?skip=39"])
def test_bad_references_are_refused(reference: str, emoji: Path, icons: Path) -> None:
    path = icons if reference.startswith("icons") else emoji
    with pytest.raises(InvalidArgument):
        describe_dataset(f"{reference}{'&' if '?' in reference else '?'}path={path}", "data")
