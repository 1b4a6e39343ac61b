"""A model for Triton that costs next to nothing, and a request for it: with it the way to Triton is measured."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from tritonclient.grpc import service_pb2

MODEL = "first-ten"

MODEL_CONFIG = f"""
name: "{MODEL}"
backend: "python"
max_batch_size: 64
input [{{ name: "image", data_type: TYPE_FP32, dims: [1, 28, 28] }}]
output [{{ name: "logits", data_type: TYPE_FP32, dims: [10] }}]
dynamic_batching {{}}
"""
MODEL_CODE = """
import triton_python_backend_utils as pb

class TritonPythonModel:
    def execute(self, requests):
        images = [pb.get_input_tensor_by_name(request, "image").as_numpy() for request in requests]
        logits = [image.reshape(len(image), -1)[:, :10].copy() for image in images]
        return [pb.InferenceResponse([pb.Tensor("logits", values)]) for values in logits]
"""


def write_model(repository: Path) -> None:
    """Put the model into a repository."""
    version = repository / MODEL / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text(MODEL_CONFIG)
    (version / "model.py").write_text(MODEL_CODE)


def inference_request() -> service_pb2.ModelInferRequest:
    image = np.random.default_rng(0).standard_normal((1, 1, 28, 28)).astype(np.float32)
    request = service_pb2.ModelInferRequest(model_name=MODEL, raw_input_contents=[image.tobytes()])
    request.inputs.add(name="image", datatype="FP32", shape=image.shape)
    return request


def framed(request: service_pb2.ModelInferRequest) -> bytes:
    """A message as it is on the wire: not compressed, length, bytes."""
    content = request.SerializeToString()
    return struct.pack(">BI", 0, len(content)) + content
