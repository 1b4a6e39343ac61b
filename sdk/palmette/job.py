"""One job, synchronously."""

from __future__ import annotations

from palmette import aio
from palmette.bridge import Bridged, blocking, fluent, iterating
from palmette.types import JobInfo
from palmette.views import JobView


class Job(JobView, Bridged[aio.Job]):
    """A handle on a job; see `palmette.Client.submit` and `palmette.Client.job`."""

    @property
    def info(self) -> JobInfo:
        """Everything as last heard of; `refresh` asks again."""
        return self._core.info

    refresh = fluent(aio.Job.refresh)
    watch = iterating(aio.Job.watch)
    wait = fluent(aio.Job.wait)
    cancel = fluent(aio.Job.cancel)
    retry = fluent(aio.Job.retry)
    delete = blocking(aio.Job.delete)
