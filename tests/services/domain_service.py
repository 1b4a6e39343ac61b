"""A domain's service in a process of its own, as a fixture."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "runtime" / "plugins_fixture"))

from palmette_test_service.process import ServiceProcess


def service_fixture(name: str) -> Callable[[pytest.TempPathFactory], Iterator[ServiceProcess]]:
    """Return the fixture `service`: ``python -m palmette_services.<name>``, started once for a session."""

    @pytest.fixture(scope="session", name="service")
    def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
        started = ServiceProcess(tmp_path_factory.mktemp(name), module=f"palmette_services.{name}")
        started.service = name
        try:
            yield started.start()
        finally:
            started.stop()

    return service
