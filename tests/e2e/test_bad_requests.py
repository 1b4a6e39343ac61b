"""Requests that are wrong: refused before anything runs, with everything that is wrong with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.suite import Suite

import palmette
from palmette.errors import InvalidRequest, NotFound, PalmetteError, ResourceExhausted
from palmette.manifest import file_digest
from palmette.types import HealthState


def fields_of(error: InvalidRequest) -> set[str]:
    return {violation.field for violation in error.violations}


def test_an_unknown_plugin_names_the_nearest(client: palmette.Client) -> None:
    with pytest.raises(NotFound, match="did you mean 'random-pruning'"):
        client.submit("random-prunning", model="zoo:mlp", data="digits")


def test_all_violations_of_a_configuration_come_at_once(client: palmette.Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.submit(
            "random-pruning",
            model="zoo:mlp",
            data="digits",
            density=2,
            ratio="nonsense",
            densty=0.1,
            recipe={"epochs": 0, "lr": -1},
        )

    assert fields_of(caught.value) == {
        "config.density",
        "config.ratio",
        "config.densty",
        "config.recipe.epochs",
        "config.recipe.lr",
    }


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"model": "zoo:mlp", "data": "digitz"}, "inputs.data", "did you mean 'digits'"),
        ({"model": "zoo:resnt20", "data": "digits"}, "inputs.model", "did you mean 'resnet20'"),
        ({"model": "zoo:mlp", "data": "imagefolder:/nowhere"}, "inputs.data", "/nowhere does not exist"),
        (
            {"model": "zoo:resnet20?in_channels=3", "data": "digits"},
            "inputs.model",
            "in_channels=3, but the data has 1",
        ),
        (
            {"model": "zoo:resnet20?num_classes=7", "data": "digits"},
            "inputs.model",
            "num_classes=7, but the data has 10",
        ),
        ({"model": "zoo:tiny-gpt", "data": "digits"}, "inputs.model", "language-modelling"),
        ({"model": "artifact:0123456789abcdef", "data": "digits"}, "inputs.model", "no artifact"),
        ({"data": "digits"}, "inputs.model", "required"),
        ({"model": "zoo:mlp", "data": ["digits", "digits"]}, "inputs.data", "takes one reference, got 2"),
    ],
)
def test_references_that_do_not_exist_or_do_not_fit(
    client: palmette.Client, values: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message) as caught:
        client.submit("random-pruning", **values)

    assert field in fields_of(caught.value)


def test_a_method_that_does_not_fit_the_model_is_refused_by_its_own_check(client: palmette.Client) -> None:
    with pytest.raises(InvalidRequest, match="has no removable block"):
        client.submit("layer-lottery", model="zoo:mlp", data="digits", blocks_removed=1)


@pytest.mark.parametrize("name", ["../../etc/passwd", "artifacts/../../../etc/passwd", "..%2f..%2fetc", "a" * 300])
def test_names_cannot_leave_their_place(
    client: palmette.Client, digits_model: palmette.ArtifactName, name: str
) -> None:
    calls: list[Callable[[], object]] = [
        lambda: client.artifacts.get(name),
        lambda: client.deployment(name),
        lambda: client.deploy(name, digits_model),
        lambda: client.job(name),
        lambda: client.submit("random-pruning", model=f"artifact:{name}", data="digits"),
    ]
    for call in calls:
        with pytest.raises(InvalidRequest):
            call()


@pytest.mark.parametrize("path", ["../outside.txt", "{elsewhere}/outside.txt", "a/../../outside.txt"])
def test_an_upload_cannot_name_a_file_outside_the_artifact(
    client: palmette.Client, suite: Suite, tmp_path: Path, path: str
) -> None:
    """The client itself finds the file there; the service refuses the manifest."""
    folder = tmp_path / "deep" / "folder"
    (folder / "a").mkdir(parents=True)
    path = path.format(elsewhere=tmp_path)
    target = folder / path
    target.write_text("evil")
    files = [{"path": path, "size_bytes": 4, "sha256": file_digest(target)}]
    manifest = {"format_version": 1, "kind": "table", "create_time": "2026-01-01T00:00:00Z", "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(InvalidRequest, match="is not a relative path inside the artifact"):
        client.artifacts.upload(folder)

    assert not list(suite.home.root.rglob("outside.txt"))


def test_a_message_of_100_mb_is_refused_and_harms_nothing(client: palmette.Client) -> None:
    started_s = time.monotonic()

    with pytest.raises(ResourceExhausted, match="larger than"):
        client.submit("random-pruning", model="zoo:mlp", data="digits", labels={"huge": "x" * (100 << 20)})

    assert time.monotonic() - started_s < 30
    assert client.health().state is HealthState.HEALTHY
    assert client.plugins()


def test_the_same_request_id_for_another_job_is_refused(client: palmette.Client) -> None:
    client.submit("counting", steps=1, request_id="end-to-end-once")

    assert client.submit("counting", steps=1, request_id="end-to-end-once").wait().state == "SUCCEEDED"
    with pytest.raises(PalmetteError, match="end-to-end-once"):
        client.submit("counting", steps=2, request_id="end-to-end-once")
