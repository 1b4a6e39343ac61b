"""How commands reach the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from palmette.client import Client


@contextmanager
def suite(timeout_s: float = 60.0) -> Iterator[Client]:
    """Connect to the suite that the environment or the home names; no single call waits longer than `timeout_s`."""
    with Client(timeout_s=timeout_s) as client:
        yield client
