"""Two `palmette up` at the same moment, with a certificate: one suite stands, and speaks TLS only."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.e2e.suite import COMMAND, CommandResult, Suite
from tests.gateway.harness.certificates import Authority
from tests.sdk.deadlines import wait_until

import palmette
from palmette.cli.exit_codes import ExitCode
from palmette.errors import NotFound, Unavailable
from palmette.home import Home
from palmette.launcher.ports import free_ports
from palmette.types import HealthState


@dataclass(frozen=True)
class Secure:
    """The suite that stands, and how the other command ended."""

    suite: Suite
    pid: int
    authority: Path
    other: CommandResult


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """Start two on one home at once."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    certificate, key = authority.issue("localhost")
    suite = Suite(Home(folder / "home"), free_ports(1)[0])
    environment = suite.environment | {"PALMETTE_TLS_CERT": str(certificate), "PALMETTE_TLS_KEY": str(key)}
    command = [COMMAND, "up", "--port", str(suite.port)]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        wait_until(lambda: any(each.poll() is not None for each in both), 60, "one of the two giving way")
        loser, winner = sorted(both, key=lambda each: each.poll() is None)
        out, err = loser.communicate()
        wait_until(lambda: suite.home.endpoints.exists() or winner.poll() is not None, 150, "the other being up")
        yield Secure(suite, winner.pid, authority.certificate, CommandResult(loser.returncode, out, err))
    finally:
        for each in both:
            if each.poll() is None:
                each.send_signal(signal.SIGINT)
            each.communicate(timeout=90)


@pytest.mark.slow
def test_of_two_started_at_once_one_stands_and_the_other_says_why_not(secure: Secure) -> None:
    assert secure.other.code == ExitCode.FAILED
    assert f"pid {secure.pid}" in secure.other.err
    assert "palmette down" in secure.other.err
    assert json.loads(secure.suite.home.endpoints.read_text())["pid"] == secure.pid


@pytest.mark.slow
def test_jobs_streams_and_inference_pass_over_tls(secure: Secure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALMETTE_CA_FILE", str(secure.authority))

    with secure.suite.client() as client:
        assert client.health().state is HealthState.HEALTHY
        job = client.submit("counting", steps=3)
        events = list(job.watch())
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert job.refresh().state == "SUCCEEDED"
        with pytest.raises(NotFound, match="nothing-is-served"):
            client.infer("nothing-is-served", [[0.0]])
    told = secure.suite.command("status", PALMETTE_CA_FILE=str(secure.authority))
    assert f"https://127.0.0.1:{secure.suite.port}" in told.out


@pytest.mark.slow
def test_without_trust_or_without_tls_nothing_is_answered(secure: Secure) -> None:
    with secure.suite.client() as client, pytest.raises(Unavailable, match="PALMETTE_CA_FILE"):
        client.plugins()
    token = secure.suite.home.token.read_text().strip()
    with palmette.Client(f"http://127.0.0.1:{secure.suite.port}", token) as client, pytest.raises(Unavailable):
        client.plugins()


@pytest.mark.slow
def test_the_dashboard_keeps_its_token_in_a_cookie_for_https_only(secure: Secure) -> None:
    url = f"https://127.0.0.1:{secure.suite.port}"
    token = secure.suite.home.token.read_text().strip()
    trusting = ssl.create_default_context(cafile=str(secure.authority))
    with httpx.Client(base_url=url, verify=trusting, headers={"origin": url}) as browser:
        signed_in = browser.post("/login", data={"token": token})
        overview = browser.get("/")

    assert signed_in.status_code == 303
    assert "secure" in signed_in.headers["set-cookie"].lower()
    assert "Signed in as" in overview.text
