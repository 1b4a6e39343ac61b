"""An encoder is a model like any other: saved with its tokenizer, compared from its artifact, exported to ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from palmette_plugins.api import DatasetRef, JobContext, Kind, Method, Model, ModelRef, run_method
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.collections.folder import write_collection
from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.engines.retrieval.text_encoder import Role, TextEncoder
from palmette_plugins.retrieval.beir import Beir
from palmette_plugins.serving.export import Export

TEXTS = ["cats chase mice", "dogs", "mice eat cheese cheese cheese", "cats eat mice"]


class SaveEncoder(Method):
    """Save an encoder as a training method would."""

    kind = Kind.TRAIN
    inputs: ClassVar[Mapping[str, Any]] = {"model": ModelRef, "data": DatasetRef}
    outputs: ClassVar[Mapping[str, Any]] = {"model": Model}

    def run(self, job: JobContext) -> None:
        """Save it with the inputs that its export is checked on."""
        model = job.model("model")
        job.save_model(model, held_out=TextEncoder(model, job.device).examples(TEXTS))


@pytest.fixture
def saved(encoder_folder: Path, tmp_path: Path) -> str:
    """The artifact of an encoder, in the store below ``artifacts``."""
    passages = [Passage(f"p{number}", "", text) for number, text in enumerate(TEXTS)]
    write_collection(tmp_path / "set", passages, {"q": "cats"}, {"test": {"q": {"p0": 1}}})
    reference = f"hf:{encoder_folder}?normalize=true&query_prefix=q:"
    done = run_method(SaveEncoder, store=tmp_path / "artifacts", cpu=1, model=reference, data=f"beir:{tmp_path}/set")
    return f"artifact:{done.artifacts['model'][0]}"


def test_a_saved_encoder_encodes_as_the_one_it_was(saved: str, encoder_folder: Path, tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "artifacts"))
    reference = f"hf:{encoder_folder}?normalize=true&query_prefix=q:"
    before, after = (
        TextEncoder(load_model_reference(text, "model", None, store, seed=0)) for text in (reference, saved)
    )
    assert np.array_equal(before.encode(TEXTS, Role.QUERY), after.encode(TEXTS, Role.QUERY))
    manifest = store.manifest(saved.removeprefix("artifact:"))
    assert manifest.spec is not None
    assert manifest.spec.io is not None
    assert manifest.spec.io.outputs[0].shape == (16,)  # the encoder's own signature, not the data's
    assert {"assets/tokenizer.json", "assets/encoder.json"} < {file.path for file in manifest.files}
    assert manifest.dataset_fingerprint


def test_a_saved_encoder_is_compared_like_any_other(saved: str, tmp_path: Path) -> None:
    result = run_method(Beir, store=tmp_path / "artifacts", cpu=1, sets=f"beir:{tmp_path}/set", encoders=saved)
    assert result.metrics[f"encoder-{saved.removeprefix('artifact:')[:8]}/R@100"] == 1.0
    assert saved.removeprefix("artifact:") in result.manifest("leaderboard").parents


@pytest.mark.slow
def test_a_saved_encoder_is_exported_for_texts_of_any_length(saved: str, tmp_path: Path) -> None:
    import onnxruntime

    done = run_method(Export, store=tmp_path / "artifacts", cpu=1, model=saved)
    store = ArtifactStore(str(tmp_path / "artifacts"))
    session = onnxruntime.InferenceSession(str(store.get(done.artifacts["servable"][0]).file("model.onnx")))
    encoder = TextEncoder(load_model_reference(saved, "model", None, store, seed=0))
    for texts in (TEXTS[:1], [*TEXTS, "cats " * 12]):
        examples = encoder.examples(texts, Role.QUERY)
        found = session.run(None, {name: tensor.numpy() for name, tensor in examples.items()})[0]
        assert np.allclose(found, encoder.encode(texts, Role.QUERY), atol=1e-5)
        assert torch.allclose(torch.from_numpy(found).norm(dim=1), torch.ones(len(texts)), atol=1e-5)
