"""Finding the suite and what happens when it does not answer."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import grpc
import pytest
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette.endpoint import find_endpoint
from palmette.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ResourceExhausted,
    ServerError,
    SuiteNotRunning,
    Unauthenticated,
    Unavailable,
)
from palmette.home import Home


def write_endpoints(home: Home, gateway: str, token: str) -> None:
    home.run.mkdir(parents=True)
    home.auth.mkdir()
    home.endpoints.write_text(json.dumps({"gateway": gateway}))
    home.token.write_text(token + "\n")


def test_without_a_suite_the_error_says_how_to_start_one() -> None:
    with pytest.raises(SuiteNotRunning, match="palmette up"):
        palmette.Client()


def test_the_local_suite_is_found_by_its_home(suite: TinySuite, tmp_path: Path) -> None:
    write_endpoints(Home.find(tmp_path / "home"), f"http://{suite.address}", suite.token)

    with palmette.Client() as client:
        assert client.identity().subject == "tester"


def test_the_environment_wins_over_the_home(suite: TinySuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_endpoints(Home.find(tmp_path / "home"), "http://127.0.0.1:1", "another")
    monkeypatch.setenv("PALMETTE_ENDPOINT", f"http://{suite.address}")
    monkeypatch.setenv("PALMETTE_TOKEN", suite.token)

    with palmette.Client() as client:
        assert client.identity().subject == "tester"


def test_the_local_token_is_shown_to_the_local_suite_only(tmp_path: Path) -> None:
    write_endpoints(Home.find(tmp_path / "home"), "http://127.0.0.1:8080", "secret")

    assert find_endpoint("127.0.0.1:8080").token == "secret"
    assert find_endpoint("elsewhere.example:8080").token == ""


def test_a_home_that_is_asked_for_comes_with_its_own_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALMETTE_TOKEN", "of another suite")
    write_endpoints(Home.find(tmp_path / "other"), "http://127.0.0.1:8080", "secret")

    assert find_endpoint(home=tmp_path / "other").token == "secret"


@pytest.mark.parametrize("text", ["ftp://x:1", "http://", "x:99999999", "http://:80"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="host:port"):
        find_endpoint(text)


def test_tls_and_default_ports() -> None:
    assert (find_endpoint("https://suite.example").address, find_endpoint("https://suite.example").tls) == (
        "suite.example:443",
        True,
    )
    assert find_endpoint("[::1]:8080").address == "[::1]:8080"


def test_a_token_never_shows_in_a_representation() -> None:
    assert "secret" not in repr(find_endpoint("127.0.0.1:1", "secret"))


def test_a_missing_and_an_expired_token_say_what_to_do(suite: TinySuite) -> None:
    with palmette.Client(suite.address) as client, pytest.raises(Unauthenticated, match="set PALMETTE_TOKEN"):
        client.plugins()
    with palmette.Client(suite.address, "old") as client, pytest.raises(Unauthenticated, match="ask an admin"):
        client.plugins()


def test_nothing_listening_fails_fast_and_asks_whether_the_suite_runs() -> None:
    started_s = time.monotonic()

    with palmette.Client("127.0.0.1:1") as client, pytest.raises(Unavailable, match="is the suite running"):
        client.plugins()

    assert time.monotonic() - started_s < 6


def test_a_call_outlives_a_restart_of_the_server(client: palmette.Client, suite: TinySuite) -> None:
    client.plugins()
    suite.stop()
    restart = threading.Timer(0.5, suite.start)
    restart.start()

    plugins = client.plugins()
    restart.join()

    assert plugins


def test_what_must_not_be_repeated_is_not(client: palmette.Client, suite: TinySuite) -> None:
    client.plugins()
    suite.gate.failures["CreateDeployment"] = [(grpc.StatusCode.UNAVAILABLE, "connection reset")]

    with pytest.raises(Unavailable):
        client.deploy("digits", "artifacts/" + "a" * 64)

    assert suite.gate.calls.count("CreateDeployment") == 1


def test_statuses_become_errors(client: palmette.Client, suite: TinySuite) -> None:
    suite.gate.failures["GetHealth"] = [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "10000 jobs wait"),
        (grpc.StatusCode.INTERNAL, "oops"),
    ]

    with pytest.raises(ResourceExhausted, match="10000 jobs"):
        client.health()
    with pytest.raises(ServerError, match="oops"):
        client.health()


def test_a_call_that_is_answered_too_late_says_by_whom_and_what_to_do(
    client: palmette.Client, suite: TinySuite
) -> None:
    suite.gate.failures["GetHealth"] = [(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")]

    with pytest.raises(DeadlineExceeded, match=rf"^{suite.address} did not answer in time; `palmette health`"):
        client.health()


def test_clients_share_one_loop_that_ends_with_the_last(suite: TinySuite) -> None:
    def loops() -> int:
        return sum(thread.name == "palmette-sdk" for thread in threading.enumerate())

    first, second = (palmette.Client(suite.address, suite.token) for _ in range(2))
    assert loops() == 1
    first.close()
    first.close()
    assert second.identity().subject == "tester"
    second.close()

    assert loops() == 0


async def test_the_asynchronous_client_has_the_same_surface(suite: TinySuite) -> None:
    async with palmette.aio.Client(suite.address, suite.token) as client:
        job = await client.submit("random-pruning", model="m:x", data="digits")
        suite.jobs.succeed(job.name, model="artifacts/" + "d" * 64)
        await job.wait()
        assert job.outputs["model"].id == "d" * 64

    public = {name for name in dir(palmette.aio.Client) if not name.startswith("_")}
    assert public <= {name for name in dir(palmette.Client) if not name.startswith("_")} | {"artifacts"}


def test_torch_is_not_imported_by_the_sdk() -> None:
    import subprocess
    import sys

    code = "import palmette, palmette.cli.main, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
