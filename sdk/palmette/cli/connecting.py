"""How commands reach the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from palmette.client import Client


@contextmanager
def suite() -> Iterator[Client]:
    """Connect to the suite that the environment or the home names."""
    with Client() as client:
        yield client
