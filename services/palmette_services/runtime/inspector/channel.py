"""One inspector process and the way to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from typing import Any

import orjson
import structlog

from palmette_services.runtime.inspector.process import serve
from palmette_services.runtime.inspector.wire import encode
from palmette_services.runtime.processes.forkserver import Forkserver

_LONGEST_ANSWER_BYTES = 64 << 20
_log = structlog.get_logger(__name__)


class InspectorDied(Exception):  # noqa: N818 - told to callers in their own words
    """The process ended while it worked on a question; the message says how."""


class InspectorChannel:
    """Asks one process, one question at a time; starts it when needed, kills it when it hangs."""

    def __init__(self, forkserver: Forkserver) -> None:
        self._forkserver = forkserver
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._process: Any = None

    async def ask(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the answer.

        Raises:
            TimeoutError: It took longer than `timeout_s`; the process was killed.
            InspectorDied: The process ended instead of answering.
        """
        async with self._turn:
            reader, writer = self._streams or await self._start()
            try:
                async with asyncio.timeout(timeout_s):
                    writer.write(encode(question))
                    await writer.drain()
                    line = await reader.readline()
            except (ConnectionError, asyncio.IncompleteReadError):
                line = b""
            except BaseException:  # a timeout, or the caller went away: the answer would meet the next question
                await self._end(kill=True)
                raise
            if not line:
                raise InspectorDied(await self._end(kill=False))
            answer: dict[str, Any] = orjson.loads(line)
            return answer

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end(kill=True)

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await self._forkserver.start(serve, theirs)
        self._streams = await asyncio.open_connection(sock=ours, limit=_LONGEST_ANSWER_BYTES)
        return self._streams

    async def _end(self, *, kill: bool) -> str:
        """Wait for the end of the process; return how it ended."""
        if self._streams is None:
            return "it was not running"
        self._streams[1].close()
        self._streams = None
        if kill:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        code = await self._forkserver.exit_code(self._process)
        if not kill:
            _log.warning("inspector ended", exit_code=code)
        return describe_exit(code)


def describe_exit(code: int | None) -> str:
    """Return how a process ended, in words."""
    if code is None:
        return "ended (exit code unknown)"
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
