"""Texts to vectors: prefixes, lengths, batches, shards that are not encoded twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palmette_plugins.api import InvalidArgument, LoadedModel, ModelSpec
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.retrieval.shards import VectorShards, encode_texts
from palmette_plugins.engines.retrieval.text_encoder import Role, TextEncoder

TEXTS = ["cats chase mice", "", "mice eat cheese cheese cheese", "dogs chase cats"]


def encoder(folder: Path, parameters: str = "", max_tokens: int | None = None) -> TextEncoder:
    return TextEncoder(load_model_reference(f"hf:{folder}{parameters}", "model", None, None, seed=0), "cpu", max_tokens)


def test_vectors_do_not_depend_on_batches(encoder_folder: Path) -> None:
    found = encoder(encoder_folder)
    together = found.encode(TEXTS, Role.PASSAGE)
    one_by_one = np.concatenate([found.encode([text], Role.PASSAGE) for text in TEXTS])
    assert together.shape == (4, 16)
    assert np.allclose(together, one_by_one, atol=1e-6)


def test_prefixes_are_for_their_role(encoder_folder: Path) -> None:
    plain = encoder(encoder_folder)
    prefixed = encoder(encoder_folder, "?query_prefix=q: &passage_prefix=d: ".replace(" ", "%20"))
    assert np.array_equal(prefixed.encode(["cats"], Role.QUERY), plain.encode(["q: cats"], Role.QUERY))
    assert np.array_equal(prefixed.encode(["cats"], Role.PASSAGE), plain.encode(["d: cats"], Role.QUERY))


def test_longer_texts_are_cut(encoder_folder: Path) -> None:
    found = encoder(encoder_folder, max_tokens=4)
    assert found.tokenizer.ids(["cats chase mice"], Role.QUERY) == [[1, 4, 7, 2]]
    assert encoder(encoder_folder, max_tokens=500).tokenizer.settings.max_tokens == 32


def test_the_packaged_encoder_answers_as_sentence_transformers_does() -> None:
    from sentence_transformers import SentenceTransformer

    from palmette_plugins.architectures.packaged_weights import packaged_folder

    texts = ["Which encoder ships in a package?", "a", "word " * 400]
    model = load_model_reference("hf:minilm", "model", None, None, seed=0)
    expected = SentenceTransformer(str(packaged_folder("minilm")), device="cpu").encode(texts)
    assert np.allclose(TextEncoder(model).encode(texts, Role.PASSAGE), expected, atol=1e-6)


def test_a_model_without_a_tokenizer_is_no_text_encoder() -> None:
    model = LoadedModel(torch.nn.Identity(), ModelSpec(architecture="zoo:mlp"), "zoo:mlp")
    with pytest.raises(InvalidArgument, match="'zoo:mlp' is no text encoder"):
        TextEncoder(model)


def test_an_interrupted_encoding_goes_on_at_the_next_shard(encoder_folder: Path, tmp_path: Path) -> None:
    texts = [f"{word} eat {other}" for word in ("cats", "dogs", "mice") for other in ("cheese", "mice", "cats")]
    found = encoder(encoder_folder)

    class StoppedError(Exception):
        """Someone cancels."""

    def stop(done: int) -> None:
        if done >= 6:
            raise StoppedError

    def run(report: object) -> int:
        shards = VectorShards(str(tmp_path / "vectors"))
        part = lambda first, end: texts[first:end]  # noqa: E731
        return encode_texts(found, 9, part, shards, batch_size=2, shard=4, report=report)  # type: ignore[arg-type]

    with pytest.raises(StoppedError):
        run(stop)
    assert run(lambda done: None) == 5  # the first shard of four was whole
    shards = VectorShards(str(tmp_path / "vectors"))
    assert [first for first, _ in shards] == [0, 4, 8]
    assert np.array_equal(
        np.concatenate([vectors for _, vectors in shards])[:4], found.encode(texts[:4], Role.PASSAGE, 2)
    )
    assert shards.size_bytes == 9 * 16 * 4


def test_shards_of_a_remote_store_are_found_again() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    VectorShards("memory://checkpoints/job").write(0, vectors)
    again = VectorShards("memory://checkpoints/job")
    assert again.has(0)
    assert not again.has(3)
    assert np.array_equal(next(iter(again))[1], vectors)
