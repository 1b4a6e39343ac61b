"""Fixtures of the SDK's tests: a tiny suite and clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sdk.tiny_suite import TinySuite

import palmette


@pytest.fixture(autouse=True)
def no_real_suite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep every test away from the suite, the token and the home of whoever runs it."""
    for name in ("PALMETTE_ENDPOINT", "PALMETTE_TOKEN", "PALMETTE_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PALMETTE_HOME", str(tmp_path / "home"))


@pytest.fixture
def suite() -> Iterator[TinySuite]:
    """A running tiny suite."""
    tiny = TinySuite()
    tiny.start()
    yield tiny
    tiny.stop()


@pytest.fixture
def client(suite: TinySuite) -> Iterator[palmette.Client]:
    """A client of the tiny suite."""
    with palmette.Client(suite.address, suite.token) as connected:
        yield connected
