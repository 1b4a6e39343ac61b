"""Prometheus metrics of a service, named once, with units."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from palmette_services.runtime.rpc.calls import Call, CallInterceptor

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_LONG_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_CODE_NAMES = {code: status.name for status in grpc.StatusCode for code in (status, status.value[0])}


class ServiceMetrics:
    """The metrics and their registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        for collector in (GCCollector, PlatformCollector, ProcessCollector):
            collector(registry=registry)
        self.jobs = Gauge("palmette_jobs", "Jobs stored, by state", ["state"], registry=registry)
        self.queue_seconds = Histogram(
            "palmette_job_queue_seconds", "Time from acceptance to start", registry=registry, buckets=_LONG_SECONDS
        )
        self.attempts = Counter(
            "palmette_job_attempts", "Attempts that ended, by the state that followed", ["state"], registry=registry
        )
        self.slots = Gauge("palmette_slots", "Jobs that can run at once", registry=registry)
        self.slots_busy = Gauge("palmette_slots_busy", "Slots in use", registry=registry)
        self.watchers = Gauge("palmette_job_watchers", "Open WatchJob streams", registry=registry)
        self.rpc_seconds = Histogram(
            "palmette_rpc_seconds",
            "Duration of calls (of streams: from start to end)",
            ["method", "code"],
            registry=registry,
            buckets=_SECONDS,
        )


class MetricsInterceptor(CallInterceptor):
    """Measures every call."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        super().__init__()
        self._metrics = metrics

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Observe the call's duration with its status code."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            duration_s = time.perf_counter() - start_s
            self._metrics.rpc_seconds.labels(call.method, code_name(call)).observe(duration_s)


def code_name(call: Call) -> str:
    """Return the name of the status that a call ended with."""
    if call.context.cancelled():
        return grpc.StatusCode.CANCELLED.name
    return _CODE_NAMES.get(call.context.code(), "OK")
