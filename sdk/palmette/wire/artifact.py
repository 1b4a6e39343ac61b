"""Artifacts."""

from __future__ import annotations

import json

from palmette.types import Artifact, ArtifactFile, ArtifactName, GarbageReport, Lineage, LineageEdge
from palmette.wire.scalars import mapping_from, time_from
from palmette_protos.v1 import artifact_pb2


def artifact_from(artifact: artifact_pb2.Artifact) -> Artifact:
    """Return a committed artifact."""
    return Artifact(
        name=ArtifactName(artifact.name),
        kind=artifact.kind,
        output=artifact.output,
        create_time=time_from(artifact, "create_time"),
        size_bytes=artifact.size_bytes,
        files=tuple(ArtifactFile(file.path, file.size_bytes, file.sha256) for file in artifact.files),
        spec=mapping_from(artifact.spec),
        metrics=dict(artifact.metrics),
        parents=tuple(ArtifactName.parse(parent) for parent in artifact.parents),
        inputs=mapping_from(artifact.inputs),
        job=artifact.job,
        plugin=artifact.plugin,
        plugin_version=artifact.plugin_version,
        config=mapping_from(artifact.config),
        dataset_fingerprint=artifact.dataset_fingerprint,
        seed=artifact.seed,
        environment=dict(artifact.environment),
        task=artifact.task,
        figures={name: json.loads(text) for name, text in artifact.figures.items()},
        manifest=artifact.manifest,
    )


def lineage_from(response: artifact_pb2.GetLineageResponse) -> Lineage:
    """Return a lineage graph."""
    return Lineage(
        artifacts=tuple(artifact_from(artifact) for artifact in response.artifacts),
        edges=tuple(
            LineageEdge(ArtifactName.parse(edge.parent), ArtifactName.parse(edge.child), edge.plugin)
            for edge in response.edges
        ),
    )


def garbage_from(response: artifact_pb2.CollectGarbageResponse) -> GarbageReport:
    """Return what a garbage collection did."""
    names = tuple(ArtifactName.parse(name) for name in response.artifacts)
    return GarbageReport(names, response.blob_count, response.freed_bytes)
