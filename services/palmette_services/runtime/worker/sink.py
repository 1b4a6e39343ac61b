"""From a method's reports to events."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any

import orjson
from google.protobuf import duration_pb2, timestamp_pb2

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.worker.link import ServiceLink
from palmette_services.runtime.worker.texts import clean_text

_PROGRESS_PERIOD_S = 0.1
_LARGEST_FIGURE_BYTES = 4 << 20
_TAIL_LINES = 40


class EventSink:
    """Sends a job's reports up the link, as `palmette_plugins.api.sink.JobSink` asks.

    Of progress reports in quick succession only the last is sent, by the next `flush`: a method may report
    every step.
    """

    def __init__(self, link: ServiceLink) -> None:
        self._link = link
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._held: job_pb2.JobEvent | None = None
        self._progress_s = float("-inf")
        self._lock = threading.Lock()

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        """Report how far the job is."""
        progress = job_pb2.Progress(fraction=fraction, message=clean_text(message, 1000))
        if eta_s is not None:
            progress.eta.CopyFrom(_duration(eta_s))
        event = _event(progress=progress)
        with self._lock:
            self._held = event
            if fraction >= 1.0 or time.monotonic() - self._progress_s >= _PROGRESS_PERIOD_S:
                self._send_held()

    def metric(self, name: str, value: float, step: int | None) -> None:
        """Report a measurement."""
        self._send(_event(metric=job_pb2.Metric(name=clean_text(name, 256), value=value, step=step)))

    def log(self, severity: int, text: str) -> None:
        """Report a log line."""
        text = clean_text(text)
        self._tail.append(text)
        self._send(_event(log=job_pb2.LogLine(severity=_severity(severity), text=text)))

    def figure(self, name: str, vega_lite: dict[str, Any]) -> None:
        """Report a figure; one that is too large to send is left out with a warning."""
        document = orjson.dumps(vega_lite, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        if len(document) > _LARGEST_FIGURE_BYTES:
            size_mb, most_mb = len(document) / 2**20, _LARGEST_FIGURE_BYTES >> 20
            self.log(logging.WARNING, f"figure '{name}' left out: {size_mb:.1f} MiB is more than {most_mb} MiB")
            return
        figure = job_pb2.Figure(name=clean_text(name, 256), vega_lite_json=clean_text(document.decode(), len(document)))
        self._send(_event(figure=figure))

    def artifact(self, output: str, artifact: str, kind: str) -> None:
        """Report an artifact."""
        committed = job_pb2.ArtifactCommitted(output=output, artifact=f"artifacts/{artifact}", kind=kind)
        self._send(_event(artifact=committed))

    def cancel_reason(self) -> str | None:
        """Return why the job should stop; None while it should go on."""
        return self._link.stop_reason

    def flush(self) -> None:
        """Send the last progress report if it was held back; called several times a second."""
        with self._lock:
            self._send_held()

    def log_tail(self) -> str:
        """Return the last lines of the job's log."""
        return "\n".join(self._tail)

    def _send(self, event: job_pb2.JobEvent) -> None:
        with self._lock:
            self._link.send(event)

    def _send_held(self) -> None:
        if self._held is not None:
            self._link.send(self._held)
            self._held, self._progress_s = None, time.monotonic()


def _event(**kind: Any) -> job_pb2.JobEvent:
    now = timestamp_pb2.Timestamp()
    now.GetCurrentTime()
    return job_pb2.JobEvent(time=now, **kind)


def _duration(seconds: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(int(seconds * 1e9))
    return duration


def _severity(level: int) -> job_pb2.LogSeverity.ValueType:
    if level >= logging.ERROR:
        return job_pb2.LOG_SEVERITY_ERROR
    if level >= logging.WARNING:
        return job_pb2.LOG_SEVERITY_WARNING
    return job_pb2.LOG_SEVERITY_INFO if level >= logging.INFO else job_pb2.LOG_SEVERITY_DEBUG
