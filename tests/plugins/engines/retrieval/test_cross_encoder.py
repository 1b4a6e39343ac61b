"""Cross-encoders and re-ranking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification

from palmette_plugins.api import InvalidArgument, run_method
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.collections.folder import read_collection, write_collection
from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.engines.retrieval.cross_encoder import CrossEncoder, rerank
from palmette_plugins.engines.retrieval.run import ranked
from palmette_plugins.retrieval.beir import Beir

PASSAGES = [Passage("a", "", "cats chase mice"), Passage("b", "", "dogs chase cats"), Passage("c", "", "mice eat cats")]
QUERIES = {"q": "cats chase", "r": "mice"}


def write(folder: Path, encoder_folder: Path, labels: int = 1) -> Path:
    """Write a cross-encoder with the words of the small encoder."""
    config = BertConfig.from_pretrained(encoder_folder, num_labels=labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = Tokenizer.from_file(str(encoder_folder / "tokenizer.json"))
    special = [("[CLS]", 1), ("[SEP]", 2)]
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def folder(tmp_path: Path, encoder_folder: Path) -> Path:
    return write(tmp_path / "cross", encoder_folder)


def test_pairs_score_as_transformers_scores_them(folder: Path) -> None:
    encoder = CrossEncoder(load_model_reference(f"hf:{folder}", "model", None, None, seed=0))
    found = encoder.scores([("cats", "mice eat"), ("dogs", "cats")], batch_size=2)
    original = BertForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        alone = original(
            input_ids=torch.tensor([[1, 4, 2, 6, 8, 2]]), token_type_ids=torch.tensor([[0, 0, 0, 1, 1, 1]])
        ).logits
    assert found[0] == pytest.approx(alone.item(), abs=1e-6)
    assert found.shape == (2,)


def test_only_the_first_hits_are_scored_anew(tmp_path: Path) -> None:
    write_collection(tmp_path / "set", PASSAGES, QUERIES, {"test": {"q": {"a": 1}}})
    run = {"q": ranked(["a", "b", "c"], [3, 2, 1]), "r": ranked([], [])}
    lengths = lambda pairs: np.array([-ord(text[0]) for _, text in pairs], np.float32)  # noqa: E731
    found = rerank(run, QUERIES, read_collection(tmp_path / "set").corpus, lengths, depth=2)
    assert {query: list(hits.ids) for query, hits in found.items()} == {"q": ["a", "b"], "r": []}
    assert list(rerank(run, QUERIES, read_collection(tmp_path / "set").corpus, lengths, 3)["q"].ids) == ["a", "b", "c"]


def test_the_method_re_ranks_bm25(folder: Path, tmp_path: Path) -> None:
    write_collection(tmp_path / "set", PASSAGES, QUERIES, {"test": {"q": {"a": 1}, "r": {"c": 1}}})
    values = {
        "store": tmp_path / "artifacts",
        "cpu": 1,
        "sets": f"beir:{tmp_path}/set",
        "cross_encoder": f"hf:{folder}",
    }
    result = run_method(Beir, models=["bm25_flat"], variants=["rerank"], **values)
    assert result.store.manifest(result.artifacts["runs"][1]).attributes["type"] == "re-ranker"
    lines = result.store.get(result.artifacts["runs"][1]).file("set.trec").read_text().splitlines()
    encoder = CrossEncoder(load_model_reference(f"hf:{folder}", "model", None, None, seed=0))
    texts = {passage.id: passage.text for passage in PASSAGES}
    found = {line.split()[2]: float(line.split()[4]) for line in lines if line.startswith("q ")}
    expected = encoder.scores([(QUERIES["q"], texts[name]) for name in found])
    assert list(found.values()) == pytest.approx(expected.tolist(), abs=1e-6)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    with pytest.raises(InvalidArgument, match="is for the variant rerank"):
        run_method(Beir, models=["bm25_flat"], **values)
    with pytest.raises(InvalidArgument, match="rerank needs a lexical model and a cross_encoder"):
        run_method(
            Beir, variants=["rerank"], **{name: value for name, value in values.items() if name != "cross_encoder"}
        )
    with pytest.raises(InvalidArgument, match="is no text encoder"):
        run_method(
            Beir, **{name: value for name, value in values.items() if name != "cross_encoder"}, encoders=f"hf:{folder}"
        )


def test_a_classifier_of_several_classes_is_no_cross_encoder(tmp_path: Path, encoder_folder: Path) -> None:
    with pytest.raises(InvalidArgument, match="has 3 classes; a cross-encoder has one score"):
        load_model_reference(f"hf:{write(tmp_path / 'three', encoder_folder, 3)}", "model", None, None, seed=0)
