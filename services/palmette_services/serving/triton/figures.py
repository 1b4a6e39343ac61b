"""Figures of the last minute from Triton's statistics and metrics.

Triton counts since a model was loaded. `StatisticsWindow` keeps those counters for a minute, so that the
difference between the newest and the oldest gives rates and means; quantiles of the last minute come from
Triton's own summaries (``--metrics-config=summary_latencies=true``), which counters cannot give.
"""

from __future__ import annotations

import asyncio
import math
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

WINDOW_S = 60.0
_METRICS_TIMEOUT_S = 3.0
_SUMMARY = "nv_inference_request_summary_us"


@dataclass(frozen=True)
class Counters:
    """Counters of one model version since it was loaded; times in nanoseconds."""

    inferences: int = 0
    executions: int = 0
    failures: int = 0
    requests: int = 0
    queue_ns: int = 0
    compute_ns: int = 0
    executions_by_batch_size: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RecentFigures:
    """Rates and means over the time that the window spans."""

    requests_per_s: float = 0.0
    queue_ms: float = 0.0
    compute_ms: float = 0.0


ModelVersion = tuple[str, int]


class StatisticsWindow:
    """The counters of every loaded model version over the last minute."""

    def __init__(self) -> None:
        self._samples: dict[ModelVersion, deque[tuple[float, Counters]]] = {}

    def add(self, statistics: Any, at_s: float | None = None) -> None:
        """Take in a ``inference.ModelStatisticsResponse``; versions that are not loaded any more are forgotten."""
        now_s = time.monotonic() if at_s is None else at_s
        current = dict(_counters(statistics.model_stats))
        for key in self._samples.keys() - current.keys():
            del self._samples[key]
        for key, counters in current.items():
            samples = self._samples.setdefault(key, deque())
            if samples and counters.requests < samples[-1][1].requests:
                samples.clear()  # loaded anew: it counts from zero
            samples.append((now_s, counters))
            # The sample just outside stays: rates are over the whole minute, not a bit less.
            while len(samples) > 2 and samples[1][0] <= now_s - WINDOW_S:
                samples.popleft()

    def newest(self, key: ModelVersion) -> Counters | None:
        """Return the newest counters; None for a version that is not loaded."""
        samples = self._samples.get(key)
        return samples[-1][1] if samples else None

    def recent(self, key: ModelVersion) -> RecentFigures:
        """Return rates and means over the window."""
        samples = self._samples.get(key)
        if not samples or len(samples) < 2:
            return RecentFigures()
        (start_s, first), (end_s, last) = samples[0], samples[-1]
        requests = last.requests - first.requests
        if requests == 0 or end_s <= start_s:
            return RecentFigures()
        return RecentFigures(
            requests_per_s=requests / (end_s - start_s),
            queue_ms=(last.queue_ns - first.queue_ns) / requests / 1e6,
            compute_ms=(last.compute_ns - first.compute_ns) / requests / 1e6,
        )


def _counters(model_stats: Iterable[Any]) -> Iterable[tuple[ModelVersion, Counters]]:
    for item in model_stats:
        stats = item.inference_stats
        yield (
            (item.name, int(item.version)),
            Counters(
                inferences=item.inference_count,
                executions=item.execution_count,
                failures=stats.fail.count,
                requests=stats.success.count,
                queue_ns=stats.queue.ns,
                compute_ns=stats.compute_infer.ns,
                executions_by_batch_size={batch.batch_size: batch.compute_infer.count for batch in item.batch_stats},
            ),
        )


@dataclass(frozen=True)
class Latency:
    """Quantiles of the time of a request in the server over the last minute, in milliseconds; 0 without requests."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0


async def fetch_latencies(metrics_url: str) -> dict[ModelVersion, Latency]:
    """Read the quantiles of every model version; empty if Triton's metrics are off or cannot be read."""
    if not metrics_url:
        return {}
    try:
        return parse_latencies(await asyncio.to_thread(_get, metrics_url))
    except (urllib.error.URLError, OSError, ValueError):
        return {}  # figures are shown without quantiles; Triton's absence is reported by its API


def parse_latencies(text: str) -> dict[ModelVersion, Latency]:
    """Return the quantiles in Prometheus text."""
    found: dict[ModelVersion, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _SUMMARY and "quantile" in sample.labels and math.isfinite(sample.value):
                key = (sample.labels["model"], int(sample.labels["version"]))
                found.setdefault(key, {})[sample.labels["quantile"]] = sample.value / 1000
    return {key: Latency(item.get("0.5", 0.0), item.get("0.99", 0.0)) for key, item in found.items()}


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=_METRICS_TIMEOUT_S) as response:
        text: str = response.read().decode()
        return text
