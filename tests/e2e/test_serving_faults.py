"""Crashes and damage on the serving side."""

from __future__ import annotations

import numpy as np
import pytest
from tests.e2e.held_out import split
from tests.e2e.suite import Suite
from tests.sdk.deadlines import wait_until

import palmette
from palmette.errors import JobFailed, PalmetteError
from palmette.types import HealthState, StateChanged


def served_again(client: palmette.Client, name: str) -> bool:
    try:
        client.infer(name, split("digits")["image"][:1])
    except PalmetteError:
        return False
    return True


@pytest.mark.parametrize("process", ["triton", "serving", "envoy", "gateway"])
def test_served_models_come_back_by_themselves(
    client: palmette.Client, suite: Suite, deployed: str, process: str
) -> None:
    images = split("digits")["image"][:16]
    before = client.infer(deployed, images)

    suite.kill(process)()
    wait_until(lambda: served_again(client, deployed), 60, f"inference after {process} was killed")

    np.testing.assert_array_equal(client.infer(deployed, images), before)
    wait_until(lambda: client.health().state is HealthState.HEALTHY, 30, "the suite being healthy")


def test_inference_goes_on_while_the_serving_service_is_away(
    client: palmette.Client, suite: Suite, deployed: str
) -> None:
    image = split("digits")["image"][:1]
    client.infer(deployed, image)

    wait = suite.kill("serving")
    answers = [client.infer(deployed, image) for _ in range(20)]
    wait()

    assert len(answers) == 20


def test_health_says_what_is_wrong_with_triton(client: palmette.Client, suite: Suite) -> None:
    wait = suite.kill("triton")
    found = None

    def said() -> bool:
        nonlocal found
        found = next((c for c in client.health().components if c.name == "triton"), None)
        return found is not None and found.state is HealthState.UNHEALTHY

    try:
        wait_until(said, 20, "the health noticing that Triton is away")
        assert found is not None
        assert found.reason
    finally:
        wait()


def test_a_watch_goes_on_when_envoy_is_killed(client: palmette.Client, suite: Suite) -> None:
    job = client.submit("counting", steps=60)
    events = job.watch()
    seen = [next(events) for _ in range(5)]

    suite.kill("envoy")
    seen += list(events)

    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert isinstance(seen[-1], StateChanged)
    assert seen[-1].state == "SUCCEEDED"


def test_a_damaged_artifact_is_neither_served_nor_loaded_nor_downloaded(
    client: palmette.Client, suite: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    job = client.submit("dense-training", model="zoo:mlp", data="digits", seed=77, recipe={"epochs": 1}).wait()
    artifact = client.artifacts.get(job.outputs["model"])
    weights = next(file for file in artifact.files if file.path.startswith("weights"))
    (blob,) = suite.home.artifacts.rglob(weights.sha256)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 0xFF
    blob.chmod(0o644)
    blob.write_bytes(content)

    with pytest.raises(PalmetteError, match=weights.path):
        client.artifacts.download(artifact, tmp_path_factory.mktemp("download"))
    with pytest.raises(PalmetteError, match=weights.path):
        client.deploy("damaged", artifact)
    with pytest.raises(PalmetteError):
        client.infer("damaged", split("digits")["image"][:1])
    reads_it = client.submit("random-pruning", model=artifact, data="digits", reinitialise=False, recipe={"epochs": 1})
    with pytest.raises(JobFailed, match=rf"{weights.path}.* is corrupted"):
        reads_it.wait(timeout_s=60)
    assert not reads_it.outputs
