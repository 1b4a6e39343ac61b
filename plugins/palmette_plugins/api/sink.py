"""Where a running method's reports go: a service, a notebook, a test."""

from __future__ import annotations

import logging
from typing import Any, Protocol


class JobSink(Protocol):
    """Receives what a job reports. Calls come from one thread and must not block for long."""

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        """Done share in [0, 1], what is being done, and the estimated time to the end in seconds."""

    def metric(self, name: str, value: float, step: int | None) -> None:
        """One measurement."""

    def log(self, severity: int, text: str) -> None:
        """One log line; `severity` is a level of `logging`."""

    def figure(self, name: str, vega_lite: dict[str, Any]) -> None:
        """A Vega-Lite figure with its data; a later one of the same name replaces it."""

    def artifact(self, output: str, artifact: str, kind: str) -> None:
        """An artifact was committed under an output's name."""

    def cancel_reason(self) -> str | None:
        """Why the job should stop, or None while it should go on."""


class LoggingSink:
    """Sends reports to a logger; for scripts and notebooks."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("palmette")

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        """Log the progress."""
        self._logger.info("%3.0f %% %s", 100 * fraction, message)

    def metric(self, name: str, value: float, step: int | None) -> None:
        """Log the measurement."""
        self._logger.info("%s = %g%s", name, value, "" if step is None else f" (step {step})")

    def log(self, severity: int, text: str) -> None:
        """Log the line."""
        self._logger.log(severity, "%s", text)

    def figure(self, name: str, vega_lite: dict[str, Any]) -> None:
        """Log that there is a figure."""
        self._logger.info("figure %s", name)

    def artifact(self, output: str, artifact: str, kind: str) -> None:
        """Log the artifact."""
        self._logger.info("%s: %s artifact:%s", output, kind, artifact)

    def cancel_reason(self) -> str | None:
        """Never cancelled."""
        return None
