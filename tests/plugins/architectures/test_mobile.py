"""Plain and elastic networks of inverted bottlenecks, as references."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from palmette_plugins.api import InvalidArgument, ModelIO, TensorSpec
from palmette_plugins.api.resolve import describe_dataset
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.serving.onnx_runtime import export_onnx, onnx_runner

MIXED = "zoo:mobile?in_channels=1&widths=8,8,16&strides=2,1&squeeze_excite=2&depths=1,2&expands=2,4,3&kernels=7,3,5"


@pytest.mark.parametrize(
    "reference", ["zoo:mobile-small", "zoo:mbv3?kernels=5&depths=2,3,4,2,2", "zoo:proxyless", MIXED]
)
def test_a_completed_reference_builds_the_same_structure(reference: str) -> None:
    first = inspect_model_reference(reference, "model", None, None)
    again = inspect_model_reference(first.spec.architecture, "model", None, None)
    assert again.spec == first.spec
    shapes = {name: tensor.shape for name, tensor in first.module.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in again.module.state_dict().items()}


def test_data_decides_channels_classes_and_a_supernets_resolution() -> None:
    data = describe_dataset("digits", "data")
    assert (
        "resolutions=8" in inspect_model_reference("zoo:mobile-small-supernet", "model", data, None).spec.architecture
    )
    plain = inspect_model_reference("zoo:mobile-small", "model", data, None).spec.architecture
    assert "in_channels=1" in plain
    assert "resolution" not in plain


def test_a_network_brings_images_to_its_own_resolution() -> None:
    module = load_model_reference(f"{MIXED}&resolution=12", "model", None, None, seed=0).module.eval()
    seen = []
    module.get_submodule("stem.0").register_forward_hook(lambda *call: seen.append(call[1][0].shape))
    module(torch.zeros(2, 1, 8, 8))
    module(torch.zeros(2, 1, 12, 12))
    assert seen == [(2, 1, 12, 12)] * 2


def test_a_network_with_a_resolution_exports(tmp_path: Path) -> None:
    module = load_model_reference(f"{MIXED}&resolution=12", "model", None, None, seed=0).module.eval()
    io = ModelIO(
        inputs=(TensorSpec(name="image", dtype="float32", shape=(1, 8, 8)),),
        outputs=(TensorSpec(name="logits", dtype="float32", shape=(10,)),),
    )
    images = torch.randn(3, 1, 8, 8)
    (file, *_) = export_onnx(module, {"image": images[:2]}, io, 18, tmp_path)
    answer = onnx_runner(file, io)({"image": images})["logits"]
    with torch.no_grad():
        torch.testing.assert_close(answer, module(images), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("zoo:mobile", "needs widths and strides"),
        ("zoo:mobile?widths=8,8&strides=1,2", "one more entry"),
        ("zoo:mbv3?widths=8,8", "has its own widths"),
        ("zoo:mbv3?depths=2,2", "5 stages, but 2 depths"),
        ("zoo:mbv3?kernels=3,5", "20 blocks, but 2 kernels"),
        ("zoo:mbv3?kernels=4", "odd"),
        ("zoo:mbv3?expands=1", "at least 2"),
        ("zoo:mbv3-supernet?resolutions=16", "too small for strides that divide by 32"),
        ("zoo:mbv3-supernet?kernels=5,3", "rising order"),
        ("zoo:mobile-small?kernel=3", "kernels"),
    ],
)
def test_impossible_references_are_refused(reference: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        inspect_model_reference(reference, "model", None, None)
