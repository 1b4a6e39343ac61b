"""Code that asks a served model, ready to be copied."""

from __future__ import annotations

from palmette.types import DeploymentVersion, TensorSignature

_DTYPES = {
    "BOOL": "bool_",
    "UINT8": "uint8",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}


def triton_snippet(model: str, version: DeploymentVersion, address: str, *, tls: bool) -> str:
    """Return a Python program for `tritonclient`.

    Args:
        model: Name of the deployment.
        version: The version that serves, for its signature.
        address: ``host:port`` of the gateway.
        tls: Whether the gateway is reached by https.
    """
    lines = [
        "import os",
        "import numpy as np",
        "import tritonclient.grpc as triton",
        "",
        f'client = triton.InferenceServerClient("{address}"{", ssl=True" if tls else ""})',
        'headers = {"authorization": f"Bearer {os.environ[\'PALMETTE_TOKEN\']}"}',
        "",
        "inputs = []",
    ]
    for tensor in version.inputs:
        lines += _input(tensor)
    lines.append(f'result = client.infer("{model}", inputs, headers=headers)')
    lines += [f'print(result.as_numpy("{tensor.name}"))' for tensor in version.outputs]
    return "\n".join(lines)


def _input(tensor: TensorSignature) -> list[str]:
    shape = ", ".join(str(max(size, 1)) for size in tensor.shape)
    comma = "," if len(tensor.shape) == 1 else ""
    dtype = _DTYPES.get(tensor.datatype, "object_")
    return [
        f"array = np.zeros(({shape}{comma}), dtype=np.{dtype})  # your {tensor.name}",
        f'inputs.append(triton.InferInput("{tensor.name}", array.shape, "{tensor.datatype}"))',
        "inputs[-1].set_data_from_numpy(array)",
    ]


def deploy_command(name: str, artifact: str, runtime: str = "auto") -> str:
    """Return the `palmette deploy create` that serves an artifact."""
    option = "" if runtime == "auto" else f" --runtime {runtime}"
    return f"palmette deploy create {name} {artifact.removeprefix('artifacts/')[:16]}{option}"
