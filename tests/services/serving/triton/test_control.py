"""What Triton says comes out as errors that a person can act on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from tests.services.serving.models import Models
from tests.services.serving.processes import Triton, free_port
from tests.services.serving.triton.test_model_config import MODEL

from palmette_plugins.api import FailedPrecondition, Unavailable
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_services.serving.triton.control import TritonControl
from palmette_services.serving.triton.model_config import Backend, Tensor
from palmette_services.serving.triton.repository import ModelRepository


async def test_absent_triton_is_unavailable_with_its_address() -> None:
    endpoint = f"127.0.0.1:{free_port()}"
    control = TritonControl(endpoint)
    with pytest.raises(Unavailable, match=f"Triton at {endpoint} does not answer"):
        await control.index()
    await control.close()


@pytest.mark.slow
async def test_model_that_does_not_load_says_why_without_a_traceback(triton: Triton, tmp_path: Path) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(b"not a graph")
    repository = ModelRepository(triton.repository)
    repository.write_version("digits-broken", 3, Backend.PYTHON_ONNX, {"model.onnx": broken})
    repository.write_config(replace(MODEL, name="digits-broken"))
    control = TritonControl(triton.endpoint)
    with pytest.raises(FailedPrecondition, match="Protobuf parsing failed") as refused:
        await control.load("digits-broken")
    repository.remove_model("digits-broken")
    await control.close()
    assert "At:" not in str(refused.value)


@pytest.mark.slow
async def test_wrong_input_is_refused_with_the_reason(triton: Triton, models: Models) -> None:
    onnx = ArtifactStore(str(models.store)).local_path(models.first.servable, "model.onnx")
    repository = ModelRepository(triton.repository)
    repository.write_version("direct", 3, Backend.PYTHON_ONNX, {"model.onnx": onnx})
    repository.write_config(replace(MODEL, name="direct", inputs=(Tensor("image", "FP32", (1, 8, 8)),)))
    control = TritonControl(triton.endpoint)
    await control.load("direct")
    with pytest.raises(FailedPrecondition, match="shape"):
        await control.infer("direct", {"image": numpy.zeros((1, 3, 8, 8), "float32")}, ["logits"])
    answer = await control.infer("direct", {"image": models.first.images[:3]}, ["logits"])
    numpy.testing.assert_allclose(answer["logits"], models.first.logits[:3], atol=1e-4)
    await control.unload("direct")
    assert await control.ready_versions("direct") == []
    repository.remove_model("direct")
    await control.close()
