"""One connection of one worker, seen from the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence

from google.protobuf import timestamp_pb2

from palmette_protos.worker.v1 import worker_pb2
from palmette_services.runtime.scheduling.attempt import Attempt, StopKind
from palmette_services.runtime.scheduling.reports import Reports, Stored

_INBOX = 2000  # messages read ahead; then the worker waits
_LARGEST_BATCH = 500

Store = Callable[[Reports], Awaitable[Stored]]


class WorkerStream:
    """Reads what a worker sends, stores it in batches, and answers.

    While one batch is being stored, the next gathers: a worker that reports much is stored in large batches,
    one that reports little at once.

    Args:
        attempt: The worker's attempt.
        messages: What the worker sends after its hello.
        store: Stores a batch durably.
    """

    def __init__(self, attempt: Attempt, messages: AsyncIterator[worker_pb2.RunRequest], store: Store) -> None:
        self._attempt = attempt
        self._messages = messages
        self._store = store
        self._inbox: asyncio.Queue[worker_pb2.RunRequest | None] = asyncio.Queue(_INBOX)
        self._outbox: asyncio.Queue[worker_pb2.RunResponse | Exception | None] = asyncio.Queue()

    async def responses(self) -> AsyncGenerator[worker_pb2.RunResponse]:
        """Yield what goes down to the worker, until it reported its end or its connection broke."""
        self._attempt.connection = self
        parts = [asyncio.create_task(part()) for part in (self._read, self._store_batches, self._pass_stop_on)]
        for part in parts:
            part.add_done_callback(self._part_ended)
        try:
            while (response := await self._outbox.get()) is not None:
                if isinstance(response, Exception):
                    raise response
                yield response
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    def _part_ended(self, part: asyncio.Task[None]) -> None:
        error = None if part.cancelled() else part.exception()
        if isinstance(error, Exception):
            self._outbox.put_nowait(error)

    async def _read(self) -> None:
        async for message in self._messages:
            self._attempt.hear()
            await self._inbox.put(message)
        await self._inbox.put(None)

    async def _store_batches(self) -> None:
        while self._attempt.connection is self:  # else the worker opened another connection
            batch = await self._next_batch()
            if not batch:
                break
            stored = await self._store(self._reports(batch))
            for response in _answers(batch, stored):
                self._outbox.put_nowait(response)
            if stored.cancel_reason is not None:  # perhaps asked through another replica
                self._attempt.request_stop(StopKind.CANCEL, stored.cancel_reason)
            if stored.ended is not None:
                self._attempt.report_end()
                break
        self._outbox.put_nowait(None)

    async def _pass_stop_on(self) -> None:
        stop = await self._attempt.stop_requested()
        self._outbox.put_nowait(worker_pb2.RunResponse(cancel=worker_pb2.Cancel(reason=stop.reason)))

    async def _next_batch(self) -> list[worker_pb2.RunRequest]:
        """Return what has come in, at least one message; nothing when the connection broke."""
        batch = [await self._inbox.get()]
        while len(batch) < _LARGEST_BATCH and not self._inbox.empty():
            batch.append(self._inbox.get_nowait())
        return [message for message in batch if message is not None]

    def _reports(self, batch: Sequence[worker_pb2.RunRequest]) -> Reports:
        return Reports(
            self._attempt.job_id,
            self._attempt.number,
            events=[message.event for message in batch if message.HasField("event")],
            finished=next((message.finished for message in batch if message.HasField("finished")), None),
            stopping=self._attempt.draining,
        )


def _answers(batch: Sequence[worker_pb2.RunRequest], stored: Stored) -> Iterator[worker_pb2.RunResponse]:
    yield worker_pb2.RunResponse(ack=worker_pb2.Ack(attempt_sequence=stored.worker_sequence))
    for message in batch:
        if message.HasField("heartbeat"):
            now = timestamp_pb2.Timestamp()
            now.GetCurrentTime()
            yield worker_pb2.RunResponse(heartbeat=worker_pb2.Heartbeat(time=now))
