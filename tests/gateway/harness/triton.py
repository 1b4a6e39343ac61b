"""The part of Triton's protocol that the health of models is read from, on a real gRPC server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.gateway.harness.upstream import Upstream
from tritonclient.grpc import service_pb2

PREFIX = "/inference.GRPCInferenceService/"


class TritonDouble:
    """Reports the models that the test names as (name, version, state, reason)."""

    def __init__(self, socket: Path | None = None) -> None:
        self.models: list[tuple[str, str, str, str]] = []
        self.ready = True
        self.upstream = Upstream("triton", socket=socket)
        self.upstream.answers |= {
            f"{PREFIX}ServerMetadata": lambda *_: service_pb2.ServerMetadataResponse(name="triton", version="2.99"),
            f"{PREFIX}ServerReady": lambda *_: service_pb2.ServerReadyResponse(ready=self.ready),
            f"{PREFIX}RepositoryIndex": self._index,
            f"{PREFIX}ModelStatistics": self._statistics,
        }

    def _index(self, *_: Any) -> service_pb2.RepositoryIndexResponse:
        response = service_pb2.RepositoryIndexResponse()
        for name, version, state, reason in self.models:
            response.models.add(name=name, version=version, state=state, reason=reason)
        return response

    def _statistics(self, *_: Any) -> service_pb2.ModelStatisticsResponse:
        response = service_pb2.ModelStatisticsResponse()
        for name, version, state, _reason in self.models:
            if state == "READY":
                entry = response.model_stats.add(name=name, version=version, inference_count=2)
                entry.inference_stats.queue.count, entry.inference_stats.queue.ns = 2, 3_000_000
        return response
