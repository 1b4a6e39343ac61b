"""The logger of one job, whose lines go where its other reports go."""

from __future__ import annotations

import logging

from palmette_plugins.api.sink import JobSink


class _SinkHandler(logging.Handler):
    """Hands log records to a job's sink."""

    def __init__(self, sink: JobSink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        self._sink.log(record.levelno, self.format(record))


def job_logger(sink: JobSink) -> logging.Logger:
    """Return a logger that hands its lines, from INFO on, to the sink."""
    logger = logging.Logger("palmette.job", level=logging.INFO)  # noqa: LOG001 - of this job alone, never shared
    logger.addHandler(_SinkHandler(sink))
    return logger
