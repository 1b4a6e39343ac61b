"""Fixtures of the serving tests: one real Triton and one real service for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.serving.models import Models, train_models
from tests.services.serving.processes import Serving, Triton


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Trained models in the store that the service reads."""
    return train_models(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def running_triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A local Triton."""
    triton = Triton(tmp_path_factory.mktemp("triton"))
    triton.start()
    try:
        triton.wait_ready()
        yield triton
    finally:
        triton.stop()


@pytest.fixture(scope="session")
def running_serving(
    running_triton: Triton, models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """The service, beside that Triton."""
    serving = Serving(tmp_path_factory.mktemp("serving"), running_triton, models.store)
    serving.start()
    try:
        serving.wait_ready()
        yield serving
    finally:
        serving.stop()


@pytest.fixture
def triton(running_triton: Triton) -> Triton:
    """Triton, started again if a test before left it dead."""
    if running_triton.child.poll() is not None:
        running_triton.start()
    running_triton.wait_ready()
    return running_triton


@pytest.fixture
def serving(running_serving: Serving, triton: Triton) -> Serving:
    """The service, started again if a test before left it dead."""
    if running_serving.child.poll() is not None:
        running_serving.start()
    running_serving.wait_ready()
    return running_serving


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """An empty store of a test's own."""
    return tmp_path / "store"
