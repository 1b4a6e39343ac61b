"""Waking those who watch a job when something new is stored."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from palmette_plugins.api.errors import Unavailable


class JobFeed:
    """Tells watchers in this process that a job has news.

    It carries no events: watchers read the store. So a slow watcher costs nothing, nobody misses or repeats
    an event, and a watcher that is only woken by its own timeout (the job runs in another replica) still sees all.
    """

    def __init__(self) -> None:
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._closed = False

    @property
    def watchers(self) -> int:
        """Number of watchers."""
        return sum(len(signals) for signals in self._watchers.values())

    def publish(self, job_id: str) -> None:
        """Wake the watchers of a job."""
        for signal in self._watchers.get(job_id, ()):
            signal.set()

    def close(self) -> None:
        """End all watching with `Unavailable`: clients reconnect and go on where they were."""
        self._closed = True
        for job_id in self._watchers:
            self.publish(job_id)

    @contextmanager
    def subscribe(self, job_id: str) -> Iterator[Subscription]:
        """Watch a job."""
        signal = asyncio.Event()
        self._watchers[job_id].add(signal)
        try:
            yield Subscription(self, signal)
        finally:
            self._watchers[job_id].discard(signal)
            if not self._watchers[job_id]:
                del self._watchers[job_id]

    def raise_if_closed(self) -> None:
        """Raise `Unavailable` once closed."""
        if self._closed:
            raise Unavailable("the service is stopping; reconnect and go on from the last sequence")


class Subscription:
    """One watcher's place in the feed."""

    def __init__(self, feed: JobFeed, signal: asyncio.Event) -> None:
        self._feed = feed
        self._signal = signal

    def clear(self) -> None:
        """Forget news so far; call it before reading, so that news during the reading are not lost."""
        self._feed.raise_if_closed()
        self._signal.clear()

    async def wait(self, timeout_s: float) -> None:
        """Wait for news since `clear`, at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._signal.wait()
        except TimeoutError:
            pass  # look again: another replica may have stored something
        self._feed.raise_if_closed()
