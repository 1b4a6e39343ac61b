"""The service itself, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime" / "plugins_fixture"))

from palmette_test_service.process import ServiceProcess


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """``python -m palmette_services.retrieval``."""
    started = ServiceProcess(tmp_path_factory.mktemp("retrieval"), module="palmette_services.retrieval")
    started.service = "retrieval"
    try:
        yield started.start()
    finally:
        started.stop()
