"""What running methods report, kept for tests; and a way to stop them on the way."""

from __future__ import annotations

from typing import Any


class StoppingSink:
    """Keeps reports, and asks the job to stop once a metric of the name `stop_at` was reported `after` times."""

    def __init__(self, stop_at: str = "", after: int = 1) -> None:
        self.fractions: list[float] = []
        self.metrics: list[tuple[str, float]] = []
        self.figures: dict[str, dict[str, Any]] = {}
        self._stop_at = stop_at
        self._after = after

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        self.fractions.append(fraction)

    def metric(self, name: str, value: float, step: int | None) -> None:
        self.metrics.append((name, value))

    def log(self, severity: int, text: str) -> None:
        pass

    def figure(self, name: str, vega_lite: dict[str, Any]) -> None:
        self.figures[name] = vega_lite

    def artifact(self, output: str, artifact: str, kind: str) -> None:
        pass

    def cancel_reason(self) -> str | None:
        return "stopped by the test" if self.count(self._stop_at) >= self._after else None

    def count(self, name: str) -> int:
        """Return how often a metric was reported."""
        return sum(reported == name for reported, _ in self.metrics) if name else -1
