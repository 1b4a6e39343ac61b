"""Plugins of a third party, put on the suite's path by the end-to-end tests."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from palmette_plugins.api import JobContext, Kind, Method, MethodConfig, Report


class Raising(Method):
    """Raise an error that nobody foresaw."""

    kind = Kind.ANALYSE
    inputs: ClassVar[Mapping[str, Any]] = {}
    outputs: ClassVar[Mapping[str, Any]] = {"report": Report}

    def run(self, job: JobContext) -> None:
        """Log, then raise."""
        job.logger.info("about to divide")
        job.metric("before", 1 / 0)


class Counting(Method):
    """Count slowly: a job that lasts as long as a test wants."""

    kind = Kind.ANALYSE
    inputs: ClassVar[Mapping[str, Any]] = {}
    outputs: ClassVar[Mapping[str, Any]] = {"report": Report}

    class Config(MethodConfig):
        """How far and how fast."""

        steps: int = Field(10, ge=1, description="numbers to count")
        pause_s: float = Field(0.05, ge=0, description="time between two numbers")

    def run(self, job: JobContext) -> None:
        """Count."""
        pause = threading.Event()
        for step in range(self.config.steps):
            job.metric("count", step, step=step)
            job.progress((step + 1) / self.config.steps, f"{step + 1} of {self.config.steps}")
            pause.wait(self.config.pause_s)
        job.save_files({"count.txt": str(self.config.steps).encode()}, output="report")
