"""The way to a process that answers questions: started when needed, waited for with a deadline."""

from __future__ import annotations

import asyncio
from typing import Any

from palmette_plugins.api.errors import ResourceExhausted, Unavailable
from palmette_services.runtime.inspector.connection import InspectorConnection, InspectorDied
from palmette_services.runtime.processes.forkserver import ForkFailed, Forkserver

_HELLO_S = 30.0  # a fork takes milliseconds; this is for machines that are busy


class InspectorChannel:
    """Asks one process, one question at a time; starts it when needed, kills it when it hangs.

    No wait is without a deadline: for the turn, for the start, for the answer. A start goes on when the
    caller who waits for it leaves, so that the next one finds it done.
    """

    def __init__(self, forkserver: Forkserver, hello_s: float = _HELLO_S) -> None:
        self._forkserver = forkserver
        self._hello_s = hello_s
        self._turn = asyncio.Lock()
        self._connection: InspectorConnection | None = None
        self._starting: asyncio.Task[None] | None = None
        self._answering: asyncio.Task[dict[str, Any]] | None = None

    async def start(self) -> None:
        """Start the process unless it runs; raise `Unavailable` if that fails."""
        if self._connection is None:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.create_task(self._connect(), name="start of the inspector")
                self._starting.add_done_callback(_take_note)
            try:
                await asyncio.shield(self._starting)
            except (ForkFailed, InspectorDied) as error:
                raise Unavailable(f"{error}; it is started again with the next try") from None

    async def ask(
        self, question: dict[str, Any], timeout_s: float, within_s: float, *, finish: bool = False
    ) -> dict[str, Any]:
        """Return the answer.

        Args:
            question: What to ask.
            timeout_s: How long the process may take for the answer.
            within_s: How long the caller waits until the process takes the question, and with `finish` in all.
            finish: Let it find the answer even if the caller leaves: the next question profits.

        Raises:
            TimeoutError: The answer took longer than `timeout_s`; the process was killed.
            InspectorDied: The process ended instead of answering.
            ResourceExhausted: Others were asking all the time.
            Unavailable: The process is still starting, or cannot be started, or still works on the answer.
        """
        until_s = asyncio.get_running_loop().time() + within_s
        await self._take_turn(until_s, within_s)
        try:
            await self._started(until_s)
            self._answering = asyncio.create_task(self._answer(question, timeout_s))
        except BaseException:
            self._turn.release()
            raise
        self._answering.add_done_callback(self._answered)
        return await self._outcome(self._answering, question["subject"], until_s if finish else None)

    async def close(self) -> None:
        """End the process, in whatever it does."""
        for task in (self._starting, self._answering):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._connection is not None:
            await self._connection.end(kill=True)
            self._connection = None

    async def _take_turn(self, until_s: float, within_s: float) -> None:
        try:
            async with asyncio.timeout_at(until_s):
                await self._turn.acquire()
        except TimeoutError:
            text = f"others keep the process that looks at plugins and models busy since {within_s:g} s; try again soon"
            raise ResourceExhausted(text) from None

    async def _started(self, until_s: float) -> None:
        try:
            async with asyncio.timeout_at(until_s):
                await self.start()
        except TimeoutError:
            text = "the service is still loading torch, after a start or a restart; try again in a moment"
            raise Unavailable(text) from None

    async def _connect(self) -> None:
        try:
            self._connection = await InspectorConnection.open(self._forkserver, self._hello_s)
            return
        except (TimeoutError, InspectorDied) as error:  # what it was forked from may be broken
            why = str(error) or f"a forked process did not say hello within {self._hello_s:g} s"
            await self._forkserver.restart(f"the inspector failed to start: {why}")
        try:
            self._connection = await InspectorConnection.open(self._forkserver, self._hello_s)
        except TimeoutError:
            raise InspectorDied(f"the inspector did not start within {self._hello_s:g} s, twice") from None
        except InspectorDied as error:
            raise InspectorDied(f"the inspector did not start: its process {error}") from None

    async def _answer(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert self._connection is not None
        connection, self._connection = self._connection, None  # an error leaves none
        answer = await connection.ask(question, timeout_s)
        self._connection = connection
        return answer

    async def _outcome(
        self, answering: asyncio.Task[dict[str, Any]], subject: str, until_s: float | None
    ) -> dict[str, Any]:
        left_s = None if until_s is None else until_s - asyncio.get_running_loop().time()
        try:
            await asyncio.wait({answering}, timeout=left_s)
        except asyncio.CancelledError:
            if until_s is None:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
            raise
        if not answering.done():
            raise Unavailable(f"{subject} is not done yet; send it again in a moment")
        return answering.result()

    def _answered(self, answering: asyncio.Task[dict[str, Any]]) -> None:
        self._turn.release()
        _take_note(answering)


def _take_note(task: asyncio.Task[Any]) -> None:
    """Look at what a task ended with: whoever waited for it may have left."""
    if not task.cancelled():
        task.exception()
