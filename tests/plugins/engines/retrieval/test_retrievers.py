"""Retrievers over one collection: sparse weights, windows, costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.collections.folder import write_collection
from palmette_plugins.datasets.collections.passages import Corpus, Passage
from palmette_plugins.engines.retrieval.bm25 import Bm25Index
from palmette_plugins.engines.retrieval.retrievers import DenseRetriever, LexicalRetriever, SparseRetriever, quantise
from palmette_plugins.engines.retrieval.shards import VectorShards
from palmette_plugins.engines.retrieval.text_encoder import Role, TextEncoder
from palmette_plugins.engines.retrieval.windows import window_texts

LONG = " ".join(f"{word} chase mice." for word in ("cats", "dogs", "mice") for _ in range(4))
PASSAGES = [Passage("a", "cats", "cats chase mice"), Passage("b", "", LONG), Passage("c", "cheese", "mice eat cheese")]
QUERIES = {"q1": "cats eat", "q2": "cheese"}


def nothing(*_: object) -> None:
    """Report to nobody."""


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    write_collection(tmp_path / "set", PASSAGES, {}, {})
    return Corpus(tmp_path / "set" / "corpus.jsonl")


def encoder(folder: Path, parameters: str = "") -> TextEncoder:
    return TextEncoder(load_model_reference(f"hf:{folder}{parameters}", "model", None, None, seed=0))


def test_weights_are_quantised() -> None:
    assert quantise(np.array([[0.0, 5.0, 1.0, 0.005]], np.float32)).tolist() == [[0.0, 256.0, 51.0, 0.0]]


def test_sparse_scores_are_products_of_quantised_weights(corpus: Corpus, encoder_folder: Path) -> None:
    splade = encoder(encoder_folder, "?encoder=splade")
    retriever = SparseRetriever(corpus, corpus.descending(), splade)
    retriever.index(nothing)
    run = retriever.search(QUERIES, 10, nothing).run
    passages = quantise(splade.encode([passage.full_text for passage in PASSAGES], Role.PASSAGE))
    for query, text in QUERIES.items():
        expected = passages @ quantise(splade.encode([text], Role.QUERY))[0]
        found = dict(zip(run[query].ids, run[query].scores.tolist(), strict=True))
        assert found == {name: score for name, score in zip("abc", expected.tolist(), strict=True) if score > 0}
    assert retriever.index_bytes > 0


def test_dense_scores_are_inner_products(corpus: Corpus, encoder_folder: Path, tmp_path: Path) -> None:
    dense = encoder(encoder_folder)
    retriever = DenseRetriever(corpus, corpus.descending(), dense, VectorShards(str(tmp_path / "vectors")))
    retriever.index(nothing)
    run = retriever.search(QUERIES, 2, nothing).run
    passages = dense.encode([passage.full_text for passage in PASSAGES], Role.PASSAGE)
    for query, text in QUERIES.items():
        scores = passages @ dense.encode([text], Role.QUERY)[0]
        order = np.argsort(-scores)[:2]
        assert list(run[query].ids) == ["abc"[index] for index in order]
        assert run[query].scores == pytest.approx(scores[order], rel=1e-5)
    assert retriever.index_bytes == 3 * 16 * 4


def test_a_second_attempt_encodes_nothing_again(corpus: Corpus, encoder_folder: Path, tmp_path: Path) -> None:
    url = str(tmp_path / "vectors")
    first = DenseRetriever(corpus, corpus.descending(), encoder(encoder_folder), VectorShards(url))
    first.index(nothing)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").iterdir()}
    second = DenseRetriever(corpus, corpus.descending(), encoder(encoder_folder), VectorShards(url))
    second.index(nothing)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").iterdir()} == written
    runs = [found.search(QUERIES, 3, nothing).run for found in (first, second)]
    assert all(np.array_equal(runs[0][query].scores, runs[1][query].scores) for query in QUERIES)


def test_a_long_passage_scores_as_its_best_window(corpus: Corpus, encoder_folder: Path, tmp_path: Path) -> None:
    windows = [window_texts(passage) for passage in PASSAGES]
    assert [len(found) for found in windows] == [1, 2, 1]
    dense = encoder(encoder_folder)
    shards = VectorShards(str(tmp_path / "vectors"))
    retriever = DenseRetriever(corpus, corpus.descending(), dense, shards, segmented=True)
    lexical = LexicalRetriever(corpus, corpus.descending(), multifield=False, segmented=True)
    index = Bm25Index.build([(text,) for found in windows for text in found])
    for made in (retriever, lexical):
        made.index(nothing)
    query = QUERIES["q1"]
    vector = dense.encode([query], Role.QUERY)[0]
    expected = [float((dense.encode(found, Role.PASSAGE) @ vector).max()) for found in windows]
    hits = retriever.search({"q1": query}, 3, nothing).run["q1"]
    assert dict(zip(hits.ids, hits.scores.tolist(), strict=True)) == pytest.approx(
        dict(zip("abc", expected, strict=True)), rel=1e-5
    )
    scores = index.scores(query)
    hits = lexical.search({"q1": query}, 3, nothing).run["q1"]
    best = {"a": scores[0], "b": scores[1:3].max(), "c": scores[3]}
    assert dict(zip(hits.ids, hits.scores.tolist(), strict=True)) == pytest.approx(best)
