"""Artifacts in memory; uploads and downloads that can be cut."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import grpc

from palmette_protos.v1 import artifact_pb2, artifact_pb2_grpc


class TinyArtifacts(artifact_pb2_grpc.ArtifactServiceServicer):
    """`cut_after_bytes` breaks the next transfer there; `corrupt` flips a byte of every download."""

    def __init__(self) -> None:
        self.artifacts: dict[str, artifact_pb2.Artifact] = {}
        self.blobs: dict[str, bytes] = {}
        self.arrived: dict[str, dict[str, bytes]] = {}
        self.cut_after_bytes = 0
        self.corrupt = False
        self.sent_bytes = 0
        self.received_bytes = 0

    def add(self, files: dict[str, bytes], kind: str = "model", **fields: Any) -> str:
        """Store an artifact and return its name."""
        listed = [
            {"path": path, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in files.items()
        ]
        manifest = json.dumps({"kind": kind, "files": listed}).encode()
        self.blobs |= {item["sha256"]: files[item["path"]] for item in listed}
        return self._commit(manifest, **fields).name

    def _commit(self, manifest: bytes, **fields: Any) -> artifact_pb2.Artifact:
        parsed = json.loads(manifest)
        files = [artifact_pb2.ArtifactFile(**item) for item in parsed["files"]]
        name = f"artifacts/{hashlib.sha256(manifest).hexdigest()}"
        size = sum(file.size_bytes for file in files)
        artifact = artifact_pb2.Artifact(
            name=name, kind=parsed["kind"], files=files, manifest=manifest, size_bytes=size, **fields
        )
        self.artifacts[name] = artifact
        return artifact

    def _find(self, name: str, context: Any) -> artifact_pb2.Artifact:
        found = [artifact for full, artifact in self.artifacts.items() if full.startswith(name)]
        if len(found) != 1:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no artifact '{name}'")
        return found[0]

    def GetArtifact(self, request: Any, context: Any) -> artifact_pb2.GetArtifactResponse:
        return artifact_pb2.GetArtifactResponse(artifact=self._find(request.name, context))

    def ListArtifacts(self, request: Any, context: Any) -> artifact_pb2.ListArtifactsResponse:
        return artifact_pb2.ListArtifactsResponse(artifacts=list(self.artifacts.values()))

    def DownloadArtifact(self, request: Any, context: Any) -> Iterator[artifact_pb2.DownloadArtifactResponse]:
        artifact = self._find(request.name, context)
        yield artifact_pb2.DownloadArtifactResponse(artifact=artifact)
        file = next(file for file in artifact.files if file.path == request.path)
        data = self.blobs[file.sha256]
        if self.corrupt:
            data = bytes([data[0] ^ 1]) + data[1:]
        for start in range(request.offset_bytes, len(data), 1000):
            if self.cut_after_bytes and start >= self.cut_after_bytes:
                self.cut_after_bytes = 0
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
            piece = data[start : start + 1000]
            self.sent_bytes += len(piece)
            chunk = artifact_pb2.FileChunk(path=file.path, offset_bytes=start, data=piece)
            yield artifact_pb2.DownloadArtifactResponse(chunk=chunk)

    def GetUploadStatus(self, request: Any, context: Any) -> artifact_pb2.GetUploadStatusResponse:
        arrived = self.arrived.get(request.artifact_id, {})
        committed = f"artifacts/{request.artifact_id}" in self.artifacts
        sizes = {path: len(data) for path, data in arrived.items()}
        return artifact_pb2.GetUploadStatusResponse(committed=committed, received_bytes=sizes)

    def UploadArtifact(self, requests: Any, context: Any) -> artifact_pb2.UploadArtifactResponse:
        manifest = next(requests).header.manifest
        arrived = self.arrived.setdefault(hashlib.sha256(manifest).hexdigest(), {})
        for request in requests:
            if self.cut_after_bytes and self.received_bytes >= self.cut_after_bytes:
                self.cut_after_bytes = 0
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
            chunk = request.chunk
            before = arrived.get(chunk.path, b"")
            assert len(before) == chunk.offset_bytes
            arrived[chunk.path] = before + chunk.data
            self.received_bytes += len(chunk.data)
        self.blobs |= {hashlib.sha256(data).hexdigest(): data for data in arrived.values()}
        return artifact_pb2.UploadArtifactResponse(artifact=self._commit(manifest))
