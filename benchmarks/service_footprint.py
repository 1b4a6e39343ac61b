"""A service without a job: how soon it is healthy, and what its process weighs.

python benchmarks/service_footprint.py [--json FILE]
"""

from __future__ import annotations

import statistics
import time

import psutil
from service_under_test import Figure, at_most, report, service

from palmette_protos.v1 import plugin_pb2

STARTS = 5


def main() -> None:
    """Start the service several times; weigh the last one when it has warmed up."""
    healthy_s, rss_mb, family_mb, torch = [], [], [], 0
    for _ in range(STARTS):
        start_s = time.perf_counter()
        with service("palmette_services.pruning_growth") as started:
            healthy_s.append(time.perf_counter() - start_s)
            started.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=120)
            process = psutil.Process(started.pid)
            rss_mb.append(process.memory_info().rss / 1e6)
            family_mb.append(sum(child.memory_full_info().pss for child in process.children(recursive=True)) / 1e6)
            torch += sum("libtorch" in mapping.path for mapping in process.memory_maps())
    report(
        "Service without a job (pruning_growth)",
        [
            at_most("healthy after, median", statistics.median(healthy_s), "s", 3.0),
            at_most("memory of the service process, worst", max(rss_mb), "MB", 130.0),
            at_most("torch libraries in the service process", float(torch), "", 0.0),
            Figure("its forkserver and inspector together", max(family_mb), "MB"),
        ],
    )


if __name__ == "__main__":
    main()
