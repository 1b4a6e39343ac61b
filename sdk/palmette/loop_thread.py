"""The event loop that synchronous clients run on.

All of a process's clients share one loop on one thread: it starts with the first and is stopped and joined
when the last is closed (or the interpreter ends).
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")


class LoopThread:
    """A running event loop, shared by its holders; `acquire` and `release` count them."""

    _shared: ClassVar[LoopThread | None] = None
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._holders = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="palmette-sdk", daemon=True)
        self._thread.start()

    @classmethod
    def acquire(cls) -> LoopThread:
        """Return the process's loop, started if need be, and hold it."""
        with cls._lock:
            if cls._shared is None:
                cls._shared = LoopThread()
                # Without close() the thread must still end before the interpreter takes modules apart.
                atexit.register(cls._shared.stop)
            cls._shared._holders += 1
            return cls._shared

    def release(self) -> None:
        """Give the loop up; the last holder stops it and waits for its thread."""
        with LoopThread._lock:
            self._holders -= 1
            if self._holders > 0:
                return
            LoopThread._shared = None
        atexit.unregister(self.stop)
        self.stop()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and return its result; an interrupt (Ctrl-C) cancels it first."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("the synchronous client was called from its own event loop; use palmette.aio there")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                future.cancel()
                self._settle()
            raise

    def stop(self) -> None:
        """Stop the loop and wait for its thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _settle(self) -> None:
        """Let cancelled work clean up (restore the terminal, close streams) before the caller goes on."""
        pause = asyncio.run_coroutine_threadsafe(_cancelled_tasks_end(), self._loop)
        try:
            pause.result(timeout=5.0)
        except (TimeoutError, CancelledError):
            return

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_cancel_rest())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def _cancelled_tasks_end() -> None:
    cancelled = [task for task in asyncio.all_tasks() if task.cancelling() and task is not asyncio.current_task()]
    if cancelled:
        await asyncio.wait(cancelled)


async def _cancel_rest() -> None:
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
