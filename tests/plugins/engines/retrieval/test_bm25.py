"""BM25: the card's numbers, fields, and an index on disk."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.engines.retrieval.analysis import english_terms
from palmette_plugins.engines.retrieval.bm25 import Bm25Index, flat_fields, two_fields

TEXTS = [("cats chase mice",), ("dogs chase cats and cats",), ("mice eat cheese",), ("the cheese",)]


def test_scores_of_the_card() -> None:
    index = Bm25Index.build(TEXTS, analyser="whitespace")
    assert index.scores("cats mice").tolist() == pytest.approx([0.740420, 0.448081, 0.370210, 0.0], abs=5e-7)
    assert index.scores("unknown words").tolist() == [0.0] * 4


def test_only_texts_that_share_a_term_are_hits() -> None:
    index = Bm25Index.build(TEXTS, analyser="whitespace")
    scores, positions = index.search("cats mice", 10, np.arange(4))
    assert positions.tolist() == [0, 1, 2]
    assert (np.diff(scores) < 0).all()
    assert index.search("cats mice", 2, np.arange(4))[1].tolist() == [0, 1]


def test_several_fields_are_the_sum_of_their_scores() -> None:
    passages = [Passage("1", "cats", "dogs chase"), Passage("2", "", "cats and dogs"), Passage("3", "mice", "cheese")]
    both = Bm25Index.build([two_fields(passage) for passage in passages])
    titles = Bm25Index.build([(passage.title,) for passage in passages])
    texts = Bm25Index.build([(passage.text,) for passage in passages])
    assert both.scores("cat dog") == pytest.approx(titles.scores("cat dog") + texts.scores("cat dog"))
    assert flat_fields(passages[0]) == ("cats dogs chase",)


def test_a_passage_without_the_field_does_not_count_in_it() -> None:
    index = Bm25Index.build([("cats",), ("",), ("mice",)], analyser="whitespace")
    # Of the two that have the field one holds the term; both have the average length.
    assert index.scores("cats")[0] == pytest.approx(math.log(1 + 1.5 / 1.5) / (1 + 0.9))
    assert index.size == 3


def test_a_field_that_no_passage_has_is_left_out() -> None:
    with_empty = Bm25Index.build([("", "cats chase mice"), ("", "dogs")])
    assert with_empty.scores("cat") == pytest.approx(Bm25Index.build([("cats chase mice",), ("dogs",)]).scores("cat"))


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    index = Bm25Index.build([("title one", text) for (text,) in TEXTS])
    index.save(tmp_path / "index")
    found = Bm25Index.load(tmp_path / "index")
    assert np.array_equal(found.scores("cats eating one"), index.scores("cats eating one"))
    assert (found.size, found.size_bytes) == (4, index.size_bytes)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The Relational databases' tables", ["relat", "databas", "tabl"]),
        ("Python's 3.11 can't", ["python", "3.11", "can't"]),
        ("", []),
    ],
)
def test_terms_of_english_text(text: str, terms: list[str]) -> None:
    assert english_terms(text) == terms
