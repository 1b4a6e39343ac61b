"""Clients that vanish, and clients that may not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.held_out import split
from tests.e2e.suite import COMMAND, Suite
from tests.sdk.deadlines import wait_until

import palmette
from palmette.cli.exit_codes import ExitCode
from palmette.errors import FailedPrecondition, NotFound, PermissionDenied, Unauthenticated
from palmette.manifest import make_manifest
from palmette_gateway.access.roles import Role


def test_a_client_that_vanishes_mid_stream_disturbs_nothing(client: palmette.Client, suite: Suite) -> None:
    job = client.submit("counting", steps=40)
    command = [COMMAND, "jobs", "watch", job.id, "--json"]
    with subprocess.Popen(command, env=suite.environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline()
        watching.kill()

    assert job.wait(timeout_s=60).state == "SUCCEEDED"
    assert job.metrics["count"] == 39


def test_a_client_that_vanishes_mid_upload_leaves_nothing_visible_and_resumes(
    client: palmette.Client, suite: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("upload")
    with (folder / "big.bin").open("wb") as file:
        file.truncate(200 << 20)
    local = make_manifest(folder, "table", {})
    (folder / "manifest.json").write_bytes(local.manifest)
    command = [COMMAND, "artifacts", "upload", str(folder)]
    with subprocess.Popen(command, env=suite.environment, stdout=subprocess.DEVNULL) as uploading:
        arriving = suite.home.artifacts / "incoming"
        wait_until(lambda: any(f.stat().st_size > 1 << 20 for f in arriving.glob("upload-*")), 60, "bytes arriving")
        uploading.kill()

    with pytest.raises(NotFound):
        client.artifacts.get(local.id)
    wait_until(lambda: _uploaded(client, folder), 60, "the interrupted upload being free to resume")
    assert client.artifacts.get(local.id).size_bytes == 200 << 20
    assert not list(arriving.glob("upload-*"))


def _uploaded(client: palmette.Client, folder: Path) -> bool:
    try:
        client.artifacts.upload(folder)
    except FailedPrecondition:  # the server has not noticed yet that the first client is gone
        return False
    return True


@pytest.mark.parametrize("token", ["", "nonsense", "expired"])
def test_without_a_valid_token_nothing_is_answered(suite: Suite, deployed: str, token: str) -> None:
    if token == "expired":
        token = suite.token(Role.ADMIN, valid_for=timedelta(hours=-1))
    calls: list[Callable[[palmette.Client], object]] = [
        lambda client: client.plugins(),
        lambda client: client.infer(deployed, split("digits")["image"][:1]),
        lambda client: client.health(),
    ]
    with palmette.Client(f"127.0.0.1:{suite.port}", token or "-") as client:
        for call in calls:
            with pytest.raises(Unauthenticated):
                call(client)


def test_a_viewer_reads_and_infers_and_does_nothing_else(suite: Suite, deployed: str) -> None:
    with suite.client(suite.token(Role.VIEWER)) as viewer:
        assert viewer.identity().role == "viewer"
        assert viewer.jobs() is not None
        assert viewer.infer(deployed, split("digits")["image"][:2]).shape == (2, 10)
        with pytest.raises(PermissionDenied):
            viewer.submit("counting")
        with pytest.raises(PermissionDenied):
            viewer.deploy("viewers", "0" * 64)
        with pytest.raises(PermissionDenied):
            viewer.issue_token("friend", "admin")


def test_an_operator_works_but_does_not_delete(suite: Suite, deployed: str) -> None:
    with suite.client(suite.token(Role.OPERATOR)) as operator:
        job = operator.submit("counting", steps=1).wait(timeout_s=60)
        assert job.info.user == "tester"
        with pytest.raises(PermissionDenied):
            job.delete()
        with pytest.raises(PermissionDenied):
            operator.deployment(deployed).delete()
        with pytest.raises(PermissionDenied):
            operator.artifacts.collect_garbage()


def test_the_command_line_ends_with_5_when_denied(suite: Suite) -> None:
    done = suite.command("run", "counting", PALMETTE_TOKEN=suite.token(Role.VIEWER))

    assert done.code == ExitCode.DENIED
    assert "role does not allow" in done.err


def test_secrets_are_readable_by_their_owner_only(suite: Suite) -> None:
    for file in (suite.home.token, suite.home.auth / "signing-key.pem"):
        assert file.stat().st_mode & 0o077 == 0
