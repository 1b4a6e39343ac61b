"""What a job has reported since it was last told to a browser."""

from __future__ import annotations

import json
import math
from collections import deque
from typing import Any

from palmette.types import FigureShown, JobEvent, LogLine, MetricReported, StateChanged
from palmette_gateway.dashboard.live.series import Series

MOST_LINES = 1000


class JobReports:
    """Collects events; `take` gives the browser's share of them as JSON and forgets it."""

    def __init__(self, after_sequence: int) -> None:
        self.sequence = after_sequence
        self.changes: list[StateChanged] = []
        self._series = Series()
        self._figures: dict[str, dict[str, Any]] = {}
        self._lines: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._skipped_lines = 0

    def add(self, event: JobEvent) -> None:
        """Take an event in."""
        self.sequence = event.sequence
        match event:
            case StateChanged():
                self.changes.append(event)
            case MetricReported(step=int(step)) if math.isfinite(event.value):
                self._series.add(event.name, step, event.value)
            case FigureShown():
                self._figures[event.name] = event.vega_lite
            case LogLine():
                self._skipped_lines += len(self._lines) == MOST_LINES
                self._lines.append(event)

    def take(self) -> str:
        """Return what is new as JSON, or the empty string."""
        message: dict[str, Any] = {}
        if series := self._series.take():
            message["series"] = series
        if self._figures:
            message["figures"] = self._figures
        if self._lines:
            message["lines"] = [[line.time.isoformat(), line.severity.value.lower(), line.text] for line in self._lines]
            message["skipped"] = self._skipped_lines
        self._figures, self._skipped_lines = {}, 0
        self._lines.clear()
        return json.dumps(message) if message else ""
