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
from palmette_services.runtime.processes.forked import ForkedProcess
from palmette_services.runtime.processes.forkserver import Forkserver

_LONGEST_ANSWER_BYTES = 64 << 20
_log = structlog.get_logger(__name__)


class InspectorDied(Exception):  # noqa: N818 - told to callers in their own words
    """The process ended instead of answering; the message says how."""


class InspectorConnection:
    """A process that answers one question at a time."""

    def __init__(
        self, forkserver: Forkserver, forked: ForkedProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._forkserver = forkserver
        self._forked = forked
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, forkserver: Forkserver, hello_s: float) -> InspectorConnection:
        """Fork a process and wait for its hello.

        Raises:
            TimeoutError: It did not say hello within `hello_s`; it was killed.
            InspectorDied: It ended instead.
            ForkFailed: There is no process.
        """
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as unless_open:
            unless_open.enter_context(ours)
            with theirs:
                forked = await forkserver.start(serve, theirs)
            reader, writer = await asyncio.open_connection(sock=ours, limit=_LONGEST_ANSWER_BYTES)
            unless_open.pop_all()
        connection = cls(forkserver, forked, reader, writer)
        await connection._read_line(hello_s)
        return connection

    async def ask(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the answer. After an error the process is gone.

        Raises:
            TimeoutError: It took longer than `timeout_s`; the process was killed.
            InspectorDied: The process ended instead of answering.
        """
        answer: dict[str, Any] = orjson.loads(await self._read_line(timeout_s, encode(question)))
        return answer

    async def end(self, *, kill: bool) -> str:
        """Wait for the end of the process; return how it ended."""
        self._writer.close()
        if kill:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._forked.pid, signal.SIGKILL)
        code = await self._forkserver.exit_code(self._forked)
        if not kill:
            _log.warning("inspector ended", exit_code=code)
        return describe_exit(code)

    async def _read_line(self, timeout_s: float, question: bytes = b"") -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(question)
                await self._writer.drain()
                line = await self._reader.readline()
        except (ConnectionError, asyncio.IncompleteReadError):
            line = b""
        except BaseException:  # a timeout, or the caller went away: the answer would meet the next question
            await self.end(kill=True)
            raise
        if not line:
            raise InspectorDied(await self.end(kill=False))
        return line


def describe_exit(code: int | None) -> str:
    """Return how a process ended, in words."""
    if code is None:
        return "ended (exit code unknown)"
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
