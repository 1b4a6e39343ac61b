"""A real job around engine calls: no service, no method, everything else as in a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from palmette_plugins.api import DatasetRef, JobContext, JobSpec, Kind, Method, Model, ModelRef


class EngineTest(Method):
    """Declares what engine tests read and write."""

    kind = Kind.TRAIN
    inputs: ClassVar[dict[str, Any]] = {"model": ModelRef, "data": DatasetRef}
    outputs: ClassVar[dict[str, Any]] = {"model": Model}

    def run(self, job: JobContext) -> None:
        """Nothing: the tests call the engines themselves."""


class RecordingSink:
    """Keeps reports; asks to stop once `stop_after` metrics of the name `stop_at` were reported."""

    def __init__(self, stop_at: str = "", stop_after: int = 1) -> None:
        self.metrics: list[tuple[str, float, int | None]] = []
        self.fractions: list[float] = []
        self.lines: list[str] = []
        self.figures: dict[str, dict[str, Any]] = {}
        self.artifacts: list[tuple[str, str]] = []
        self._stop = (stop_at, stop_after)

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        self.fractions.append(fraction)

    def metric(self, name: str, value: float, step: int | None) -> None:
        self.metrics.append((name, value, step))

    def log(self, severity: int, text: str) -> None:
        if severity >= logging.INFO:
            self.lines.append(text)

    def figure(self, name: str, vega_lite: dict[str, Any]) -> None:
        self.figures[name] = vega_lite

    def artifact(self, output: str, artifact: str, kind: str) -> None:
        self.artifacts.append((output, artifact))

    def cancel_reason(self) -> str | None:
        name, count = self._stop
        return "stopped by the test" if name and len(self.values(name)) >= count else None

    def values(self, name: str) -> list[float]:
        """Return the values of one metric in the order reported."""
        return [value for reported, value, _ in self.metrics if reported == name]


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., tuple[JobContext, RecordingSink]]:
    """Make contexts of jobs; those of the same `name` share checkpoints, as attempts of one job do."""

    def make(
        name: str = "job",
        *,
        seed: int = 0,
        data: str = "digits",
        model: str = "zoo:resnet20?width=4",
        stop_at: str = "",
        stop_after: int = 1,
    ) -> tuple[JobContext, RecordingSink]:
        spec = JobSpec(
            service="local",
            plugin="engine-test",
            inputs={"model": [model], "data": [data]},
            seed=seed,
            artifact_store_url=str(tmp_path / "artifacts"),
            checkpoint_url=str(tmp_path / name),
        )
        sink = RecordingSink(stop_at, stop_after)
        return JobContext(spec, EngineTest(EngineTest.Config()), sink), sink

    return make


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Compute on one thread: the tensors here are too small for two to pay."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
