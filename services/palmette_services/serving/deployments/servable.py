"""Servable artifacts: what the export made, read for deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.numpy import load_file

from palmette_plugins.api import ArtifactKind, FailedPrecondition, TensorSpec
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.serving.v1 import deployment_pb2
from palmette_services.serving.triton.model_config import datatype_of

SAMPLES_FILE = "samples.safetensors"
_RUNTIMES = {"onnx": deployment_pb2.RUNTIME_ONNX, "torch": deployment_pb2.RUNTIME_TORCH}
_NEEDED = {"onnx": "model.onnx", "torch": "servable.json"}


class _Parity(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    samples: int
    max_abs_difference: float
    atol: float
    rtol: float


class _Attributes(BaseModel):
    """The part of the manifest's attributes that the export method writes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: str
    runtime: str
    parity: _Parity


@dataclass(frozen=True)
class Servable:
    """A servable whose files were verified.

    Attributes:
        served: Runtime, signature, labels, task and parity.
        files: Local files by name, for the version's folder in the model repository.
        inputs: Held-out inputs by name, the batch first.
        outputs: What PyTorch made of them.
    """

    served: deployment_pb2.DeploymentVersion
    files: Mapping[str, Path]
    inputs: Mapping[str, numpy.ndarray[Any, Any]]
    outputs: Mapping[str, numpy.ndarray[Any, Any]]


def read_servable(store: ArtifactStore, identifier: str) -> Servable:
    """Read and verify a servable artifact. Blocks.

    Raises:
        FailedPrecondition: It is not what the export method makes.
        DataLoss: A file is corrupted; names it.
    """
    manifest = store.manifest(identifier)
    try:
        attributes = _Attributes.model_validate(manifest.attributes)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FailedPrecondition(
            f"artifact {identifier[:12]} was not made by export: {where}: {first['msg']}"
        ) from None
    io = manifest.spec.io if manifest.spec is not None else None
    paths = {file.path for file in manifest.files}
    if manifest.kind is not ArtifactKind.SERVABLE or io is None or attributes.runtime not in _RUNTIMES:
        raise FailedPrecondition(f"artifact {identifier[:12]} is not a servable with a signature")
    if not {SAMPLES_FILE, _NEEDED[attributes.runtime]} <= paths:
        raise FailedPrecondition(f"artifact {identifier[:12]} lacks {SAMPLES_FILE} or {_NEEDED[attributes.runtime]}")
    files = {path: store.local_path(identifier, path) for path in paths}
    samples = load_file(files.pop(SAMPLES_FILE))
    served = deployment_pb2.DeploymentVersion(
        runtime=_RUNTIMES[attributes.runtime],
        parity=deployment_pb2.ParityReport(**attributes.parity.model_dump()),
        inputs=[_signature(spec) for spec in io.inputs],
        outputs=[_signature(spec) for spec in io.outputs],
        labels=io.labels,
        task=manifest.task,
    )
    return Servable(
        served,
        files,
        inputs={spec.name: samples[f"inputs.{spec.name}"] for spec in io.inputs},
        outputs={spec.name: samples[f"outputs.{spec.name}"] for spec in io.outputs},
    )


def _signature(spec: TensorSpec) -> deployment_pb2.TensorSignature:
    return deployment_pb2.TensorSignature(name=spec.name, datatype=datatype_of(spec.dtype), shape=[-1, *spec.shape])
