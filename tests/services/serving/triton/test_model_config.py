"""Triton's configuration of a model says what was meant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2

from palmette_services.serving.triton.model_config import (
    Backend,
    Device,
    Scheduling,
    ServedModel,
    Tensor,
    config_text,
    datatype_of,
)

MODEL = ServedModel(
    name="digits",
    version=3,
    backend=Backend.PYTHON_ONNX,
    inputs=(Tensor("image", "FP32", (1, 28, 28)),),
    outputs=(Tensor("logits", "FP32", (10,)),),
    scheduling=Scheduling(max_batch_size=32, max_queue_delay_us=500, instances=2, threads=1),
)


def parsed(model: ServedModel) -> model_config_pb2.ModelConfig:
    return text_format.Parse(config_text(model), model_config_pb2.ModelConfig())


def test_one_version_serves_and_requests_are_batched() -> None:
    config = parsed(MODEL)
    assert list(config.version_policy.specific.versions) == [3]
    assert (config.max_batch_size, config.dynamic_batching.max_queue_delay_microseconds) == (32, 500)
    assert [(group.count, group.kind) for group in config.instance_group] == [
        (2, model_config_pb2.ModelInstanceGroup.KIND_CPU)
    ]


def test_signature_is_without_the_batch() -> None:
    config = parsed(MODEL)
    assert [(item.name, item.data_type, list(item.dims)) for item in config.input] == [
        ("image", model_config_pb2.TYPE_FP32, [1, 28, 28])
    ]
    assert [(item.name, list(item.dims)) for item in config.output] == [("logits", [10])]


def test_model_is_warmed_with_every_input_in_the_smallest_and_a_middling_batch() -> None:
    tokens = Tensor("tokens", "INT64", (-1,))
    warmups = parsed(replace(MODEL, inputs=(tokens,))).model_warmup
    assert [warmup.batch_size for warmup in warmups] == [1, 8]
    assert all(list(warmup.inputs["tokens"].dims) == [16] for warmup in warmups)  # a size that any can be


@pytest.mark.parametrize(
    ("backend", "name", "file", "parameters"),
    [
        (Backend.ONNXRUNTIME, "onnxruntime", "model.onnx", {"intra_op_thread_count", "inter_op_thread_count"}),
        (Backend.PYTHON_ONNX, "python", "model.py", {"threads"}),
        (Backend.PYTHON_TORCH, "python", "model.py", {"threads", "artifact_store_url"}),
    ],
)
def test_each_backend_gets_what_it_reads(backend: Backend, name: str, file: str, parameters: set[str]) -> None:
    config = parsed(replace(MODEL, backend=backend, artifact_store_url="s3://bucket/store"))
    assert (config.backend, config.default_model_filename) == (name, file)
    assert set(config.parameters) == parameters


def test_gpu_models_run_on_gpus_and_tensorrt_compiles_onnx_models_only() -> None:
    plain = parsed(replace(MODEL, device=Device.GPU, backend=Backend.ONNXRUNTIME))
    compiled = parsed(replace(MODEL, device=Device.TENSORRT, backend=Backend.ONNXRUNTIME))
    torch = parsed(replace(MODEL, device=Device.TENSORRT, backend=Backend.PYTHON_TORCH))
    assert {config.instance_group[0].kind for config in (plain, compiled, torch)} == {
        model_config_pb2.ModelInstanceGroup.KIND_GPU
    }
    accelerators = [config.optimization.execution_accelerators for config in (plain, compiled, torch)]
    assert [len(item.gpu_execution_accelerator) for item in accelerators] == [0, 1, 0]


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 4096))
def test_warmup_never_exceeds_the_largest_batch(largest: int) -> None:
    config = parsed(replace(MODEL, scheduling=Scheduling(max_batch_size=largest)))
    assert all(1 <= warmup.batch_size <= largest for warmup in config.model_warmup)


@pytest.mark.parametrize(("dtype", "datatype"), [("float32", "FP32"), ("int64", "INT64"), ("bool", "BOOL")])
def test_datatypes_are_the_protocols(dtype: str, datatype: str) -> None:
    assert datatype_of(dtype) == datatype
