"""`text:`, `prose` and `manual`: windows of bytes, split by position."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets import corpora, manuals
from palmette_plugins.datasets.byte_windows import TextParameters, describe_windows, load_windows


@given(st.binary(min_size=200, max_size=2000), st.integers(2, 16))
def test_windows_are_the_text_in_order_and_targets_follow_their_tokens(text, context):
    data = load_windows("text", text, TextParameters(context=context))

    starts = {"train": 0, "validation": round(len(text) * 0.8), "test": round(len(text) * 0.9)}
    for name, start in starts.items():
        tokens, targets = data[name].tensors
        assert bytes(tokens.flatten().tolist()) == text[start : start + tokens.numel()]
        assert bytes(targets.flatten().tolist()) == text[start + 1 : start + 1 + tokens.numel()]


@given(st.integers(200, 5000), st.integers(2, 16))
def test_no_byte_is_in_two_splits_and_few_are_left_over(size, context):
    parameters = TextParameters(context=context)
    info = describe_windows("text", size, parameters)

    data = load_windows("text", bytes(size), parameters)

    assert dict(info.sizes) == {name: len(split) for name, split in data.splits.items()}
    bounds = {"train": round(size * 0.8), "validation": round(size * 0.9) - round(size * 0.8)}
    bounds["test"] = size - round(size * 0.9)
    for name, available in bounds.items():
        used = info.sizes[name] * context + 1
        assert available - context < used <= available


def test_files_are_read_in_order_of_their_names(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"second " * 100)
    (tmp_path / "a.txt").write_bytes(b"first " * 100)
    (tmp_path / "c.md").write_bytes(b"never " * 100)

    data = load_dataset(f"text:{tmp_path}/*.txt?context=16")

    assert bytes(data["train"][0][0].tolist()) == b"first first firs"
    assert data.info == describe_dataset(f"text:{tmp_path}/*.txt?context=16", "data")
    assert b"never" not in b"".join(bytes(row.tolist()) for row in data["test"].tensors[0])


def test_limits_keep_the_first_windows(tmp_path):
    (tmp_path / "a.txt").write_bytes(bytes(range(32, 127)) * 50)

    data = load_dataset(f"text:{tmp_path}/a.txt?context=16&limit=3&test_limit=2")

    assert len(data["train"]) == 3
    assert len(data["test"]) == 2
    whole = load_dataset(f"text:{tmp_path}/a.txt?context=16")
    assert torch.equal(data["train"].tensors[0], whole["train"].tensors[0][:3])


@pytest.mark.parametrize(("name", "least", "words"), [("prose", 4_000_000, b"LORD"), ("manual", 3_400_000, b"Debian")])
def test_installed_texts_are_whole_and_in_english(name, least, words):
    data = load_dataset(name)

    assert sum(data.info.sizes.values()) * 128 > least
    assert data.info.vocabulary_size == 256
    text = data["train"].tensors[0].to(torch.uint8).numpy().tobytes()
    assert text.count(words) > 50


def test_every_split_of_the_manual_has_sections_and_pages():
    for split in load_dataset("manual").splits.values():
        text = split.tensors[0].to(torch.uint8).numpy().tobytes()
        assert text.count(b"\nDESCRIPTION\n") > 5  # of a manual page
        assert text.count(b"Debian") > 10


def test_manual_pages_that_a_slim_image_left_out_are_asked_for(monkeypatch, tmp_path):
    listed = tmp_path / "manpages.list"
    listed.write_text(f"/.\n{tmp_path}/man7/epoll.7.gz\n")
    monkeypatch.setattr(manuals, "_PAGES", listed)
    manuals.manuals_text.cache_clear()

    with pytest.raises(InvalidArgument, match=r"--path-include='/usr/share/man/\*' manpages"):
        describe_dataset("manual", "data")


def test_prose_has_no_verse_numbers_left():
    assert re.search(rb"\d:\d", corpora.Prose().text()) is None
    assert corpora.Prose().text().startswith(b"In the beginning God created the heaven and the earth.")


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(manuals, "_REFERENCE", tmp_path / "nothing.gz")
    corpora._bible.cache_clear()
    manuals.manuals_text.cache_clear()

    with pytest.raises(InvalidArgument, match="apt-get install bible-kjv"):
        describe_dataset("prose", "data")
    with pytest.raises(InvalidArgument, match="apt-get install debian-reference-en"):
        describe_dataset("manual", "data")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("*.rst", "no file matches"),
        ("short.txt?context=128", "has 100 bytes; with context=128 it needs at least 1,300"),
        ("binary.txt?context=4", "binary.txt is not a text file"),
        ("short.txt?context=1", "greater than or equal to 2"),
        ("short.txt?ctx=8", "no parameter 'ctx'"),
    ],
)
def test_wrong_texts_are_refused_with_the_reason(tmp_path, target, said):
    (tmp_path / "short.txt").write_bytes(b"x" * 100)
    (tmp_path / "binary.txt").write_bytes(b"\x7fELF\0" * 100)

    with pytest.raises(InvalidArgument, match=said):
        load_dataset(f"text:{tmp_path}/{target}")


def test_no_files_at_all_is_explained():
    with pytest.raises(InvalidArgument, match="write text:/path/to"):
        describe_dataset("text", "data")
