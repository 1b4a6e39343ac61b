"""Figures of the control plane for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
for collector in (GCCollector, PlatformCollector, ProcessCollector):
    collector(registry=REGISTRY)

CALLS = Counter(
    "palmette_gateway_calls_total", "Calls that the control plane ended", ["method", "code"], registry=REGISTRY
)
CALL_SECONDS = Histogram(
    "palmette_gateway_call_seconds",
    "Time of the control plane's unary calls",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
STREAMS = Gauge("palmette_gateway_streams", "Streams that are open", ["method"], registry=REGISTRY)
COMPONENT_STATE = Gauge(
    "palmette_component_state",
    "Health of each part of the suite: 1 healthy, 2 degraded, 3 unhealthy",
    ["name", "kind"],
    registry=REGISTRY,
)
CONFIGURATIONS = Counter(
    "palmette_gateway_envoy_configurations_total",
    "Configurations rendered for Envoy, by what came of them: applied, unchanged or refused",
    ["result"],
    registry=REGISTRY,
)
