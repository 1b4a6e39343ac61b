"""A real service of its own for a benchmark, and the table that a benchmark prints."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/services/runtime/plugins_fixture"))

from palmette_test_service.process import ServiceProcess

from palmette_protos.v1 import plugin_pb2


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, its value, and the bar that it should keep ("" if there is none)."""

    what: str
    value: float
    unit: str
    bar: str = ""
    held: bool | None = None


def at_most(what: str, value: float, unit: str, bar: float) -> Figure:
    """Return a figure that should not exceed its bar."""
    return Figure(what, value, unit, f"<= {bar:g}", value <= bar)


def at_least(what: str, value: float, unit: str, bar: float) -> Figure:
    """Return a figure that should reach its bar."""
    return Figure(what, value, unit, f">= {bar:g}", value >= bar)


@contextmanager
def service(module: str = "palmette_test_service", **settings: Any) -> Iterator[ServiceProcess]:
    """Run a service in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="palmette-benchmark-") as folder:
        started = ServiceProcess(Path(folder), module=module, **settings)
        try:
            yield started.start()
        finally:
            started.stop()


def warm_up(started: ServiceProcess) -> None:
    """Return when everything that a first job waits for is loaded."""
    started.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=120)
    for _ in range(3):
        started.wait(started.submit("steps", steps=1))


def report(title: str, figures: list[Figure]) -> None:
    """Print the table; with ``--json FILE`` write the figures there too."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    target = parser.parse_args().json
    load = psutil.getloadavg()[0]
    print(f"{title} ({psutil.cpu_count()} cores, load {load:.1f})")
    width = max(len(figure.what) for figure in figures)
    for figure in figures:
        verdict = {True: "held", False: "MISSED", None: ""}[figure.held]
        print(f"  {figure.what:<{width}}  {figure.value:10.1f} {figure.unit:<6} {figure.bar:<10} {verdict}")
    if target is not None:
        document = {"title": title, "load": load, "figures": [asdict(figure) for figure in figures]}
        target.write_text(json.dumps(document, indent=2) + "\n")


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
