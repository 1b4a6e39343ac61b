"""What is exported is the model that was trained, and what is not is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy
import onnxruntime
import orjson
import pytest
import torch
from onnx import load as load_onnx
from onnx import numpy_helper
from safetensors.numpy import load_file, save

from palmette_plugins.api import FailedPrecondition, InvalidArgument, LoadedModel, RunResult, run_method
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.serving.export import Export

Save = Callable[..., str]


def export(store: ArtifactStore, model: str, **config: object) -> RunResult:
    return run_method(Export, store=store.url, model=model, **config)


def session(result: RunResult) -> onnxruntime.InferenceSession:
    path = result.store.local_path(result.artifacts["servable"][0], "model.onnx")
    return onnxruntime.InferenceSession(path)


def pytorch(store: ArtifactStore, reference: str, inputs: numpy.ndarray) -> numpy.ndarray:
    module = load_model_reference(reference, "model", None, store, seed=0).module.eval()
    with torch.inference_mode():
        return module(torch.from_numpy(inputs)).numpy()


@pytest.mark.slow
def test_exported_network_gives_pytorchs_outputs_for_any_batch(store: ArtifactStore, save: Save) -> None:
    model = save("zoo:resnet20")
    result = export(store, model)
    images = numpy.random.default_rng(0).standard_normal((7, 1, 8, 8)).astype("float32")
    served = session(result).run(["logits"], {"image": images})[0]
    numpy.testing.assert_allclose(served, pytorch(store, model, images), atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_language_model_takes_tokens_and_gives_logits_of_every_position(
    store: ArtifactStore, save: Save, text_file: Path
) -> None:
    model = save("zoo:tiny-gpt?layers=1", f"text:{text_file}")
    result = export(store, model)
    length = result.manifest("servable").spec.io.inputs[0].shape[0]
    tokens = numpy.random.default_rng(0).integers(0, 100, (3, length))
    served = session(result).run(["logits"], {"tokens": tokens})[0]
    assert served.shape[:2] == (3, length)
    numpy.testing.assert_allclose(served, pytorch(store, model, tokens), atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_masked_weights_are_zero_in_the_exported_file(store: ArtifactStore, save: Save) -> None:
    def prune(model: LoadedModel) -> LoadedModel:
        from palmette_plugins.edits.mask import mask

        mask(model.module, layers=["layers.0"])
        layer = model.module.get_submodule("layers.0")
        layer.weight_mask[:, ::2] = False
        layer.weight.data *= layer.weight_mask
        return replace(model, spec=model.spec.with_edit("mask", layers=["layers.0"]))

    result = export(store, save("zoo:mlp", change=prune))
    graph = load_onnx(str(result.store.local_path(result.artifacts["servable"][0], "model.onnx"))).graph
    weights = [numpy_helper.to_array(item) for item in graph.initializer]
    masked = [weight for weight in weights if weight.ndim == 2 and 64 in weight.shape]
    assert {float((weight == 0).mean()) for weight in masked} == {0.5}


def test_torch_runtime_refers_to_the_artifact_and_is_compared_too(store: ArtifactStore, save: Save) -> None:
    model = save(
        "zoo:mlp", change=lambda model: replace(model, spec=model.spec.model_copy(update={"runtime": "torch"}))
    )
    result = export(store, model)
    manifest = result.manifest("servable")
    described = orjson.loads(result.store.local_path(result.artifacts["servable"][0], "servable.json").read_bytes())
    assert {file.path for file in manifest.files} == {"servable.json", "samples.safetensors"}
    assert f"artifact:{described['source']}" == model
    assert manifest.spec.runtime == "torch"
    assert manifest.attributes["parity"]["samples"] == 16


@pytest.mark.slow
def test_servable_says_what_it_is_and_how_close(store: ArtifactStore, save: Save) -> None:
    model = save("zoo:mlp")
    manifest = export(store, model, atol=1e-3).manifest("servable")
    parity = manifest.attributes["parity"]
    assert (manifest.kind.value, manifest.task) == ("servable", "classification")
    assert manifest.parents == (model.removeprefix("artifact:"),)
    assert manifest.spec.io.labels == tuple(str(digit) for digit in range(10))
    assert (parity["samples"], parity["atol"]) == (16, 1e-3)
    assert 0 <= parity["max_abs_difference"] < 1e-4
    assert manifest.metrics["parity/max_abs_difference"] == parity["max_abs_difference"]


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_model_that_gives_other_outputs_than_when_it_was_saved_is_refused(
    store: ArtifactStore, save: Save, runtime: str
) -> None:
    model = save("zoo:mlp")
    changed = tampered_samples(store, model.removeprefix("artifact:"))
    with pytest.raises(FailedPrecondition, match=r"output 'logits' by up to 0\.5"):
        export(store, changed, runtime=runtime)


def tampered_samples(store: ArtifactStore, identifier: str) -> str:
    """Return a copy of an artifact whose expected outputs are off by 0.5 in one place."""
    samples = load_file(store.local_path(identifier, "samples.safetensors"))
    samples["outputs.logits"][3, 4] += 0.5
    with store.writer() as writer:
        writer.add_file("weights.safetensors", store.local_path(identifier, "weights.safetensors"))
        writer.add_bytes("samples.safetensors", save(samples))
        manifest = store.manifest(identifier)
        return f"artifact:{writer.commit(kind=manifest.kind, spec=manifest.spec, task=manifest.task)}"


@pytest.mark.slow
def test_operator_that_onnx_lacks_is_refused_with_the_way_out(store: ArtifactStore, save: Save, tmp_path: Path) -> None:
    from palmette_plugins.serving.onnx_runtime import export_onnx

    class Unexportable(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(numpy.sort(image.numpy()))

    io = store.manifest(save("zoo:mlp").removeprefix("artifact:")).spec.io
    with pytest.raises(FailedPrecondition, match=r"cannot be exported to ONNX: .*; deploy it with runtime torch"):
        export_onnx(Unexportable(), {"image": torch.zeros(2, 1, 8, 8)}, io, 18, tmp_path)


def test_untrained_model_is_refused_at_submission(store: ArtifactStore) -> None:
    with pytest.raises(InvalidArgument, match=r"inputs\.model: must be an artifact"):
        export(store, "zoo:mlp?in_features=64&num_classes=10")


def test_model_without_a_signature_is_refused_at_submission(store: ArtifactStore, save: Save) -> None:
    model = save("zoo:mlp?in_features=64&num_classes=10", data=None)
    with pytest.raises(InvalidArgument, match=r"inputs\.model: has no signature"):
        export(store, model)
