"""Exact search by chunks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.engines.retrieval.exact import exact_search
from palmette_plugins.engines.retrieval.windows import sentences, window_texts, windows_of

VALUES = st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=30)


@given(VALUES, VALUES, st.integers(1, 8), st.integers(1, 12))
def test_chunks_give_what_a_full_sort_gives(queries: list, passages: list, chunk: int, k: int) -> None:
    q, p = np.array(queries, np.float32), np.array(passages, np.float32)
    ranks = np.argsort(np.random.default_rng(len(p)).permutation(len(p)))
    chunks = [(start, p[start : start + chunk]) for start in range(0, len(p), chunk)]
    for row, (scores, positions) in enumerate(exact_search(q, chunks, ranks, k)):
        products = p @ q[row]
        expected = sorted(range(len(p)), key=lambda index: (-products[index], ranks[index]))[:k]
        assert positions.tolist() == expected
        assert scores.tolist() == products[expected].tolist()


@given(VALUES, st.integers(1, 8), st.integers(1, 5))
def test_a_passage_scores_as_its_best_window(passages: list, chunk: int, windows: int) -> None:
    p = np.array(passages, np.float32)
    owners = np.arange(len(p)) // windows
    ranks = np.arange(owners[-1] + 1)
    chunks = [(start, p[start : start + chunk]) for start in range(0, len(p), chunk)]
    query = np.array([[1.0, 0.5, -0.25]], np.float32)
    ((scores, positions),) = exact_search(query, chunks, ranks, 3, owners=owners)
    best = [max(float(p[i] @ query[0]) for i in np.flatnonzero(owners == owner)) for owner in ranks]
    expected = sorted(ranks.tolist(), key=lambda owner: (-best[owner], owner))[:3]
    assert positions.tolist() == expected
    assert scores.tolist() == [best[owner] for owner in expected]


def test_windows_are_whole_sentences_after_the_title() -> None:
    assert sentences("One. Two! Three? 3.5 is a number.") == ["One.", "Two!", "Three?", "3.5 is a number."]
    text = " ".join(f"S{number}." for number in range(12))
    found = window_texts(Passage("p", "Title", text))
    assert found == [f"Title {' '.join(f'S{n}.' for n in part)}" for part in (range(10), range(5, 12))]
    assert window_texts(Passage("p", "Title", "")) == ["Title"]
    texts, owners = windows_of([Passage("a", "", text), Passage("b", "", "one.")])
    assert (len(texts), owners.tolist()) == (3, [0, 0, 1])
