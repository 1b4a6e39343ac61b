"""From manifests to ``palmette.v1.Artifact``: the one place that converts."""

from __future__ import annotations

import orjson

from palmette_plugins.api.artifacts import Manifest
from palmette_protos.v1 import artifact_pb2
from palmette_services.runtime.rpc.structs import dict_to_struct
from palmette_services.serving.artifacts.names import artifact_name


def artifact_summary(identifier: str, manifest: Manifest) -> artifact_pb2.Artifact:
    """Return the message without the manifest's bytes and figures, as lists show it."""
    artifact = artifact_pb2.Artifact(
        name=artifact_name(identifier),
        kind=manifest.kind.value,
        output=manifest.output,
        size_bytes=manifest.size_bytes,
        files=[
            artifact_pb2.ArtifactFile(path=file.path, size_bytes=file.size_bytes, sha256=file.sha256)
            for file in manifest.files
        ],
        metrics=manifest.metrics,
        parents=[artifact_name(parent) for parent in manifest.parents],
        inputs=dict_to_struct(manifest.inputs),
        job=manifest.job,
        plugin=manifest.plugin,
        plugin_version=manifest.plugin_version,
        config=dict_to_struct(manifest.config),
        dataset_fingerprint=manifest.dataset_fingerprint,
        seed=manifest.seed,
        environment=manifest.environment,
        task=manifest.task,
    )
    artifact.create_time.FromDatetime(manifest.create_time)
    if manifest.spec is not None:
        artifact.spec.CopyFrom(dict_to_struct(manifest.spec.model_dump(mode="json")))
    return artifact


def artifact_message(identifier: str, data: bytes) -> artifact_pb2.Artifact:
    """Return the whole message of an artifact whose manifest's bytes are `data`."""
    manifest = Manifest.from_bytes(data)
    artifact = artifact_summary(identifier, manifest)
    artifact.manifest = data
    for name, figure in manifest.figures.items():
        artifact.figures[name] = orjson.dumps(figure).decode()
    return artifact
