"""Clients that vanish, and clients that may not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.e2e.held_out import split
from tests.e2e.suite import COMMAND, Suite
from tests.sdk.deadlines import wait_until

import palmette
from palmette.cli.exit_codes import ExitCode
from palmette.errors import PermissionDenied, Unauthenticated
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


def test_a_client_that_vanishes_mid_upload_leaves_nothing_visible(
    client: palmette.Client, suite: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("upload")
    with (folder / "big.bin").open("wb") as file:
        file.truncate(600 << 20)
    before = {artifact.name for artifact in client.artifacts.list(limit=None)}
    code = (
        "import sys, palmette\n"
        "print('sending', flush=True)\n"
        f"palmette.Client().artifacts.upload({str(folder)!r}, kind='table')"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=suite.environment, stdout=subprocess.PIPE) as uploading:
        assert uploading.stdout is not None
        uploading.stdout.readline()
        incoming = suite.home.artifacts
        wait_until(lambda: any(f.stat().st_size > 1 << 20 for f in _young(suite)), 60, f"bytes arriving in {incoming}")
        uploading.kill()

    assert {artifact.name for artifact in client.artifacts.list(limit=None)} == before


def _young(suite: Suite) -> list:  # type: ignore[type-arg]
    return [path for path in suite.home.root.rglob("*") if path.is_file() and "big.bin" in str(path)]


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
