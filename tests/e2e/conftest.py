"""One real suite for all end-to-end tests, and the models that several of them need."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from tests.e2e.suite import Suite
from tests.sdk.deadlines import wait_until

import palmette
from palmette.home import Home
from palmette.launcher.ports import free_ports

DIGITS_MLP = {"model": "zoo:mlp", "data": "digits", "seed": 1, "recipe": {"epochs": 2}}


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """A running suite with a home of its own; nothing of it is left afterwards."""
    (port,) = free_ports(1)
    started = Suite(Home(tmp_path_factory.mktemp("home")), port)
    up = started.command("up", "--detach", "--port", str(port), timeout_s=200)
    assert up.code == 0, up.err
    yield started
    down = started.command("down", timeout_s=120)
    assert down.code == 0, down.err
    wait_until(lambda: not _processes_of(started), 20, "every process of the suite ending")


def _processes_of(suite: Suite) -> list[psutil.Process]:
    """Return the processes that still run for this suite."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PALMETTE_HOME") == str(suite.home.root):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture
def client(suite: Suite) -> Iterator[palmette.Client]:
    """A client with the local admin's token."""
    with suite.client() as connected:
        yield connected


@pytest.fixture(scope="session")
def digits_model(suite: Suite) -> palmette.ArtifactName:
    """A small network trained on the digits."""
    with suite.client() as client:
        job = client.submit("dense-training", **DIGITS_MLP).wait(timeout_s=180)
        return job.outputs["model"]


@pytest.fixture(scope="session")
def second_model(suite: Suite) -> palmette.ArtifactName:
    """Another one, trained from another seed."""
    with suite.client() as client:
        job = client.submit("dense-training", **{**DIGITS_MLP, "seed": 2}).wait(timeout_s=180)
        return job.outputs["model"]


@pytest.fixture(scope="session")
def deployed(suite: Suite, digits_model: palmette.ArtifactName) -> str:
    """The name under which that network is served."""
    with suite.client() as client:
        return client.deploy("digits", digits_model).id
