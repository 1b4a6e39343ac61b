"""Figures of the last minute, from counters that only grow and summaries."""

from __future__ import annotations

import pytest
from tritonclient.grpc import service_pb2

from palmette_services.serving.triton.figures import (
    Counters,
    Latency,
    RecentFigures,
    StatisticsWindow,
    fetch_latencies,
    parse_latencies,
)

KEY = ("digits", 1)


def statistics(requests: int, queue_ms: float = 0.0, compute_ms: float = 0.0) -> service_pb2.ModelStatisticsResponse:
    response = service_pb2.ModelStatisticsResponse()
    model = response.model_stats.add(name="digits", version="1", inference_count=2 * requests, execution_count=requests)
    model.inference_stats.success.count = requests
    model.inference_stats.queue.ns = int(queue_ms * 1e6)
    model.inference_stats.compute_infer.ns = int(compute_ms * 1e6)
    model.batch_stats.add(batch_size=2).compute_infer.count = requests
    return response


def test_rates_and_means_are_differences_over_the_window() -> None:
    window = StatisticsWindow()
    window.add(statistics(100, queue_ms=50, compute_ms=10), at_s=0)
    window.add(statistics(300, queue_ms=150, compute_ms=410), at_s=20)
    recent = window.recent(KEY)
    assert (recent.requests_per_s, recent.queue_ms, recent.compute_ms) == (10.0, 0.5, 2.0)


def test_what_is_older_than_a_minute_does_not_count() -> None:
    window = StatisticsWindow()
    for second, requests in ((0, 1000), (40, 1000), (80, 1000), (100, 1060)):
        window.add(statistics(requests), at_s=second)
    assert window.recent(KEY).requests_per_s == 1.0  # 60 in the minute from 40 to 100


def test_counters_that_start_anew_after_a_reload_are_not_negative() -> None:
    window = StatisticsWindow()
    window.add(statistics(500), at_s=0)
    window.add(statistics(10), at_s=5)
    assert window.recent(KEY) == RecentFigures()
    window.add(statistics(30), at_s=15)
    assert window.recent(KEY).requests_per_s == 2.0


def test_version_that_is_not_loaded_any_more_is_forgotten() -> None:
    window = StatisticsWindow()
    window.add(statistics(5), at_s=0)
    window.add(service_pb2.ModelStatisticsResponse(), at_s=1)
    assert window.newest(KEY) is None


def test_counters_are_triton_s() -> None:
    window = StatisticsWindow()
    window.add(statistics(5), at_s=0)
    assert window.newest(KEY) == Counters(inferences=10, executions=5, requests=5, executions_by_batch_size={2: 5})


def test_quantiles_are_read_from_the_summaries_and_nan_is_none() -> None:
    name = "nv_inference_request_summary_us"
    text = "\n".join(
        [
            f"# TYPE {name} summary",
            f'{name}{{model="digits",version="1",quantile="0.5"}} 1500',
            f'{name}{{model="digits",version="1",quantile="0.99"}} 20000',
            f'{name}{{model="idle",version="2",quantile="0.5"}} Nan',
            f'{name}_count{{model="digits",version="1"}} 7',
            "",
        ]
    )
    assert parse_latencies(text) == {("digits", 1): Latency(1.5, 20.0)}


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/metrics", "no-url"])
async def test_metrics_that_cannot_be_read_leave_the_quantiles_out(url: str) -> None:
    assert await fetch_latencies(url) == {}
