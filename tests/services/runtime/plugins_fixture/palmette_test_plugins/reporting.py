"""A method that reports a lot."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from palmette_plugins.api import JobContext, Kind, Method, MethodConfig, Report


class Reporting(Method):
    """Report metrics as fast as asked."""

    kind = Kind.ANALYSE
    inputs: ClassVar[Mapping[str, Any]] = {}
    outputs: ClassVar[Mapping[str, Any]] = {"report": Report}

    class Config(MethodConfig):
        """How much to report."""

        events: int = Field(100, ge=0, description="metrics to report")
        period_s: float = Field(0.0, ge=0, description="time between two of them in seconds")

    def run(self, job: JobContext) -> None:
        """Report the time of sending as the value."""
        job.metric("started_s", time.time())
        for index in range(self.config.events):
            job.metric("sent_s", time.time(), index)
            time.sleep(self.config.period_s)
