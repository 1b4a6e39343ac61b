"""A job's events, over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from palmette.aio.connection import Connection
from palmette.types import JobEvent, StateChanged
from palmette.wire.job import event_from, state_from
from palmette_protos.v1 import job_pb2

_PAUSE_S = 0.2


async def watch_events(connection: Connection, name: str, after: int) -> AsyncIterator[JobEvent]:
    """Yield the events of a job after a sequence number, in order, each once, until its end state was reported."""
    service = name.split("/")[1]
    last = after

    def request() -> job_pb2.WatchJobRequest:
        return job_pb2.WatchJobRequest(name=name, after_sequence=last)

    ended = False
    while not ended:
        async for response in connection.stream(connection.jobs.WatchJob, request, service=service):
            event = event_from(response.event)
            if event.sequence <= last:
                continue
            last = event.sequence
            # A retried job has end states in the middle of its history: only the stream's last word counts.
            ended = isinstance(event, StateChanged) and event.state.ended
            yield event
        if not ended and not (ended := await _has_ended(connection, name, service, last)):
            await asyncio.sleep(_PAUSE_S)  # the service ended the stream because it is stopping


async def _has_ended(connection: Connection, name: str, service: str, last: int) -> bool:
    """Tell whether the job ended and nothing is left to be seen."""
    response = await connection.call(connection.jobs.GetJob, job_pb2.GetJobRequest(name=name), service=service)
    return state_from(response.job.state).ended and response.job.last_sequence <= last
