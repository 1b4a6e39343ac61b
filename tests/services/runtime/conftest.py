"""Real services to test against: one that stays, and ones to break."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from palmette_protos.v1 import plugin_pb2

sys.path.insert(0, str(Path(__file__).parent / "plugins_fixture"))

from palmette_test_service.process import FIXTURE, ServiceProcess

LIGHT = "torch,numpy,grpc,palmette_plugins.api.execute,palmette_plugins.api.submission"  # starts sooner


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts real services as slow: they load torch."""
    for item in items:
        if {"shared_service", "make_service"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service for tests that leave it as it was."""
    service = ServiceProcess(
        tmp_path_factory.mktemp("shared"), slots=2, cancel_grace_s=1, check_timeout_s=20, preload=LIGHT
    )
    service.paths.append(str(Path(__file__).parent / "broken_fixture"))
    try:
        service.start()
        assert service.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=60).plugins
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def catalogue_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue of the test plugins, read once for all services that are made to be broken."""
    folder = tmp_path_factory.mktemp("catalogue")
    read = "from palmette_plugins.api.catalogue import *; read_catalogue('testing', Path(sys.argv[1]))"
    command = [sys.executable, "-c", read, str(folder)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(FIXTURE)}, check=True)
    return folder


@pytest.fixture
def make_service(tmp_path: Path, catalogue_cache: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Start services of the test's own; what is left of them is ended."""
    made: list[ServiceProcess] = []

    def make(
        name: str = "own", wrapper: Sequence[str] = (), paths: Sequence[str] = (), **settings: object
    ) -> ServiceProcess:
        service = ServiceProcess(tmp_path / name, **{"lease_s": 10, "cancel_grace_s": 1, "preload": LIGHT, **settings})
        shutil.copytree(catalogue_cache, service.folder / "data" / "cache", dirs_exist_ok=True)
        service.wrapper = list(wrapper)
        service.paths += paths
        made.append(service)
        return service.start()

    yield make
    for service in made:
        service.stop()
