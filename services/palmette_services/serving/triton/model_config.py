"""The configuration that Triton reads for one model (``config.pbtxt``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2


class Backend(Enum):
    """What executes a model inside Triton."""

    ONNXRUNTIME = "onnxruntime"
    PYTHON_ONNX = "python-onnx"
    PYTHON_TORCH = "python-torch"

    @property
    def is_python(self) -> bool:
        """Whether Triton's Python backend runs it."""
        return self is not Backend.ONNXRUNTIME


class Device(Enum):
    """Where Triton runs models."""

    CPU = "cpu"
    GPU = "gpu"
    TENSORRT = "tensorrt"
    """GPUs, with ONNX models compiled by TensorRT when they are loaded (minutes for large ones)."""


@dataclass(frozen=True)
class Tensor:
    """An input or output: `datatype` as the Open Inference Protocol names it, `shape` without the batch."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Scheduling:
    """How requests become batches.

    Attributes:
        max_batch_size: Largest batch.
        max_queue_delay_us: Longest time that a request waits for company, in microseconds.
        instances: Copies of the model per device.
        threads: Threads of each copy on a CPU.
    """

    max_batch_size: int = 64
    max_queue_delay_us: int = 0
    instances: int = 1
    threads: int = 1


@dataclass(frozen=True)
class ServedModel:
    """All that a configuration says.

    Attributes:
        name: Name for inference.
        version: The one version that serves.
        backend: What executes it.
        inputs: Inputs in order.
        outputs: Outputs in order.
        scheduling: How requests become batches.
        device: Where it runs.
        artifact_store_url: Where a torch model finds its artifact.
    """

    name: str
    version: int
    backend: Backend
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    scheduling: Scheduling
    device: Device = Device.CPU
    artifact_store_url: str = ""


def config_text(model: ServedModel) -> str:
    """Return the text of ``config.pbtxt``."""
    scheduling = model.scheduling
    config = model_config_pb2.ModelConfig(
        name=model.name,
        backend="python" if model.backend.is_python else model.backend.value,
        max_batch_size=scheduling.max_batch_size,
        default_model_filename="model.py" if model.backend.is_python else "model.onnx",
        input=[_input(tensor) for tensor in model.inputs],
        output=[_output(tensor) for tensor in model.outputs],
        dynamic_batching=model_config_pb2.ModelDynamicBatching(
            max_queue_delay_microseconds=scheduling.max_queue_delay_us
        ),
        instance_group=[
            model_config_pb2.ModelInstanceGroup(
                name=f"{model.name}-instances",
                count=scheduling.instances,
                kind=model_config_pb2.ModelInstanceGroup.KIND_CPU
                if model.device is Device.CPU
                else model_config_pb2.ModelInstanceGroup.KIND_GPU,
            )
        ],
        # A client that names no version gets the one that this names; the others lie on the disk for rollback.
        version_policy=model_config_pb2.ModelVersionPolicy(
            specific=model_config_pb2.ModelVersionPolicy.Specific(versions=[model.version])
        ),
        model_warmup=[_warmup(model, size) for size in _warmup_sizes(scheduling.max_batch_size)],
    )
    if model.device is Device.TENSORRT and model.backend is Backend.ONNXRUNTIME:
        accelerators = config.optimization.execution_accelerators.gpu_execution_accelerator
        accelerators.add(name="tensorrt").parameters["precision_mode"] = "FP32"
    for name, value in _parameters(model).items():
        config.parameters[name].string_value = value
    text: str = text_format.MessageToString(config)
    return text


def datatype_of(dtype: str) -> str:
    """Return the Open Inference Protocol's name of a numpy dtype, such as ``FP32`` of ``float32``."""
    return _DATATYPES[dtype]


_DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
}


def _input(tensor: Tensor) -> model_config_pb2.ModelInput:
    return model_config_pb2.ModelInput(name=tensor.name, data_type=f"TYPE_{tensor.datatype}", dims=tensor.shape)


def _output(tensor: Tensor) -> model_config_pb2.ModelOutput:
    return model_config_pb2.ModelOutput(name=tensor.name, data_type=f"TYPE_{tensor.datatype}", dims=tensor.shape)


def _parameters(model: ServedModel) -> dict[str, str]:
    threads = str(model.scheduling.threads)
    if model.backend is Backend.ONNXRUNTIME:
        return {"intra_op_thread_count": threads, "inter_op_thread_count": "1"}
    if model.backend is Backend.PYTHON_TORCH:
        return {"threads": threads, "artifact_store_url": model.artifact_store_url}
    return {"threads": threads}


def _warmup_sizes(max_batch_size: int) -> Sequence[int]:
    """Return the batch sizes to warm: the smallest and a middling one, which is what allocates."""
    return sorted({1, min(8, max_batch_size)})


def _warmup(model: ServedModel, batch_size: int) -> model_config_pb2.ModelWarmup:
    warmup = model_config_pb2.ModelWarmup(name=f"batch-{batch_size}", batch_size=batch_size)
    for tensor in model.inputs:
        warmup.inputs[tensor.name].CopyFrom(
            model_config_pb2.ModelWarmup.Input(
                data_type=f"TYPE_{tensor.datatype}",
                dims=[size if size > 0 else _WARMUP_LENGTH for size in tensor.shape],
                zero_data=True,
            )
        )
    return warmup


_WARMUP_LENGTH = 16  # of a dimension of any size
