"""Inference without a model: `double` returns twice its input, in batches of at most four."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc


class TinyInference(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Speaks the Open Inference Protocol; `batches` holds the sizes of the batches that arrived."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def ModelMetadata(self, request: Any, context: Any) -> service_pb2.ModelMetadataResponse:
        if request.name != "double":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Request for unknown model: '{request.name}' is not found")
        tensor = service_pb2.ModelMetadataResponse.TensorMetadata
        return service_pb2.ModelMetadataResponse(
            name="double",
            inputs=[tensor(name="image", datatype="FP32", shape=[-1, 2, 3])],
            outputs=[tensor(name="logits", datatype="FP32", shape=[-1, 2, 3])],
        )

    def ModelConfig(self, request: Any, context: Any) -> service_pb2.ModelConfigResponse:
        return service_pb2.ModelConfigResponse(config=model_config_pb2.ModelConfig(max_batch_size=4))

    def ModelInfer(self, request: Any, context: Any) -> service_pb2.ModelInferResponse:
        given = request.inputs[0]
        self.batches.append(given.shape[0])
        doubled = np.frombuffer(request.raw_input_contents[0], dtype=np.float32) * 2
        tensor = service_pb2.ModelInferResponse.InferOutputTensor
        return service_pb2.ModelInferResponse(
            outputs=[tensor(name="logits", datatype="FP32", shape=given.shape)],
            raw_output_contents=[doubled.tobytes()],
        )
