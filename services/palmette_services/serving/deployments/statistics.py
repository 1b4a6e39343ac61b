"""A deployment's figures, from Triton's."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from palmette_plugins.api.errors import FailedPrecondition, PalmetteError
from palmette_protos.serving.v1 import deployment_pb2
from palmette_services.serving.deployments.states import Deployment
from palmette_services.serving.triton.control import TritonControl
from palmette_services.serving.triton.figures import Counters, Latency, StatisticsWindow, fetch_latencies

_SAMPLE_S = 5.0


class DeploymentStatistics:
    """Samples Triton's counters, so that figures of the last minute can be told."""

    def __init__(self, control: TritonControl, metrics_url: str) -> None:
        self._control = control
        self._metrics_url = metrics_url
        self._window = StatisticsWindow()

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            with suppress(PalmetteError):  # the reconciler says that Triton is away; the window goes on afterwards
                self._window.add(await self._control.statistics())
            await asyncio.sleep(_SAMPLE_S)

    async def of(self, deployment: Deployment) -> deployment_pb2.DeploymentStats:
        """Return the figures of the version that serves.

        Raises:
            FailedPrecondition: No version serves yet.
            Unavailable: Triton does not answer.
        """
        if deployment.serving_version == 0:
            raise FailedPrecondition(f"deployment '{deployment.id}' does not serve yet, so there are no figures")
        key = (deployment.id, deployment.serving_version)
        statistics, latencies = await asyncio.gather(self._control.statistics(), fetch_latencies(self._metrics_url))
        self._window.add(statistics)
        counters = self._window.newest(key) or Counters()
        recent = self._window.recent(key)
        latency = latencies.get(key, Latency())
        return deployment_pb2.DeploymentStats(
            version=deployment.serving_version,
            inference_count=counters.inferences,
            failure_count=counters.failures,
            execution_count=counters.executions,
            requests_per_s=recent.requests_per_s,
            p50_ms=latency.p50_ms,
            p99_ms=latency.p99_ms,
            queue_ms=recent.queue_ms,
            compute_ms=recent.compute_ms,
            executions_by_batch_size=counters.executions_by_batch_size,
        )
