"""Triton and every model on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import httpx
from prometheus_client.parser import text_string_to_metric_families
from tritonclient.grpc import service_pb2

from palmette_gateway.errors import describe_silence
from palmette_gateway.health.observation import Kind, Observation, State
from palmette_gateway.health.patience import Patience
from palmette_gateway.inference import InferenceServer

NAME = "triton"
TIMEOUT_S = 3.0
MACHINE = {  # Triton's own gauges of the machine; several GPUs are averaged
    "nv_gpu_utilization": "gpu_utilisation",
    "nv_gpu_memory_used_bytes": "gpu_memory_used_bytes",
    "nv_cpu_utilization": "cpu_utilisation",
    "nv_cpu_memory_used_bytes": "cpu_memory_used_bytes",
}


class TritonProbe:
    """Asks Triton whether it lives and is ready, for its models and for their figures."""

    def __init__(self, server: InferenceServer, metrics_url: str) -> None:
        self._server = server
        self._metrics_url = metrics_url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S)
        self._patience = Patience()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def observe(self) -> Sequence[Observation]:
        """Nothing where the suite has no Triton."""
        stub = self._server.stub
        if stub is None:
            return []
        try:
            metadata, ready, index, statistics = await asyncio.gather(
                stub.ServerMetadata(service_pb2.ServerMetadataRequest(), timeout=TIMEOUT_S),
                stub.ServerReady(service_pb2.ServerReadyRequest(), timeout=TIMEOUT_S),
                stub.RepositoryIndex(service_pb2.RepositoryIndexRequest(), timeout=TIMEOUT_S),
                stub.ModelStatistics(service_pb2.ModelStatisticsRequest(), timeout=TIMEOUT_S),
            )
        except grpc.aio.AioRpcError as error:
            silence = describe_silence("Triton", str(self._server.address), error)
            state, reason = self._patience.silent(NAME, f"{silence}: see its log, or start it again")
            return [Observation(NAME, Kind.INFERENCE_SERVER, state, reason)]
        self._patience.answered(NAME)
        models = _models(index, statistics)
        figures = {"models_loaded": float(len(models))} | await self._machine()
        state, reason = State.HEALTHY, ""
        if not ready.ready:
            state, reason = State.DEGRADED, "it lives but is not ready: it still loads models, or one failed to load"
        return [Observation(NAME, Kind.INFERENCE_SERVER, state, reason, metadata.version, figures), *models]

    async def _machine(self) -> dict[str, float]:
        if not self._metrics_url:
            return {}
        try:
            page = (await self._client.get(self._metrics_url)).text
            families = {family.name: family.samples for family in text_string_to_metric_families(page)}
        except (httpx.HTTPError, ValueError):
            return {}  # Triton serves without its metrics page; its health does not hang on it
        return {
            figure: sum(sample.value for sample in families[gauge]) / len(families[gauge])
            for gauge, figure in MACHINE.items()
            if families.get(gauge)
        }


def _models(index: Any, statistics: Any) -> list[Observation]:
    """The models that are, or should be, loaded; the newest version stands for the model."""
    figures = {(entry.name, entry.version): _figures(entry) for entry in statistics.model_stats}
    newest: dict[str, Any] = {}
    for entry in index.models:
        wanted = entry.state and entry.reason != "unloaded"
        if wanted and (entry.name not in newest or int(entry.version or 0) > int(newest[entry.name].version or 0)):
            newest[entry.name] = entry
    return [_model(entry, figures.get((name, entry.version), {})) for name, entry in sorted(newest.items())]


def _model(entry: Any, figures: dict[str, float]) -> Observation:
    state, reason = State.HEALTHY, ""
    if entry.state == "UNAVAILABLE":
        state = State.UNHEALTHY
        reason = f"Triton could not load it: {entry.reason or 'no reason given'}; see Triton's log, or deploy it again"
    elif entry.state != "READY":
        state, reason = State.DEGRADED, f"{entry.state.lower()}"
    return Observation(f"triton/models/{entry.name}", Kind.MODEL, state, reason, entry.version, figures)


def _figures(entry: Any) -> dict[str, float]:
    stats = entry.inference_stats
    figures = {"inference_count": float(entry.inference_count), "failure_count": float(stats.fail.count)}
    for figure, duration in (("queue_ms", stats.queue), ("compute_ms", stats.compute_infer)):
        if duration.count:
            figures[figure] = round(duration.ns / duration.count / 1e6, 3)  # mean since the model was loaded
    return figures
