"""The gateway in front of the real pruning_growth service."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import grpc
import pytest
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.ports import free_ports, listens
from tests.gateway.harness.process import Process
from tests.gateway.harness.waiting import wait_for

from palmette_gateway.access.roles import Role
from palmette_gateway.access.tokens import COOKIE

SERVICE = "pruning_growth"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Start both."""
    folder = tmp_path_factory.mktemp("real")
    (port,) = free_ports(1)
    settings = {
        "PALMETTE_LISTEN": f"127.0.0.1:{port}",
        "PALMETTE_DATA_DIR": str(folder / "data"),
        "PALMETTE_ARTIFACT_STORE_URL": str(folder / "artifacts"),
        "PALMETTE_HOME": str(folder / "home"),
    }
    secret = folder / "secret"
    secret.write_text(secrets.token_hex(32))
    demand = {"PALMETTE_INTERNAL_SECRET_FILE": str(secret)}
    service = Process([sys.executable, "-m", f"palmette_services.{SERVICE}"], folder / "service.log", settings | demand)
    wait_for(lambda: listens(port) or not service.alive, "the service", 60)
    running = RunningGateway(folder, {SERVICE: SimpleNamespace(address=f"127.0.0.1:{port}")}, settings=demand)
    running.http.timeout = 120
    yield running
    running.stop()
    service.stop()


def test_its_plugins_are_listed_among_all(gateway: RunningGateway) -> None:
    listed = gateway.http.get("/v1/plugins", headers=gateway.headers()).json()
    names = {plugin["name"]: plugin["state"] for plugin in listed["plugins"]}
    assert names[f"services/{SERVICE}/plugins/random-pruning"] == "PLUGIN_STATE_READY"
    assert listed["unreachable"] == {}


def test_it_says_what_is_wrong_with_a_submission_and_the_gateway_repeats_it(gateway: RunningGateway) -> None:
    url = f"/v1/services/{SERVICE}/jobs"
    unknown = gateway.http.post(url, headers=gateway.headers(), json={"job": {"plugin": "random-prunin"}})
    job = {"plugin": "random-pruning", "config": {"density": 7}, "inputs": {"model": {"references": ["zoo:nothing"]}}}
    wrong = gateway.http.post(url, headers=gateway.headers(), json={"job": job})

    assert unknown.status_code == 404
    assert "did you mean 'random-pruning'?" in unknown.json()["message"]
    assert wrong.status_code == 400
    violations = next(d["fieldViolations"] for d in wrong.json()["details"] if d["@type"].endswith("BadRequest"))
    assert {"config.density", "inputs.data"} <= {violation["field"] for violation in violations}


def test_a_queued_job_belongs_to_the_caller_and_is_found_in_the_listing_of_all(gateway: RunningGateway) -> None:
    job = {
        "plugin": "dense-training",
        "inputs": {"model": {"references": ["zoo:mlp"]}, "data": {"references": ["digits"]}},
        "config": {"recipe": {"epochs": 1}},
    }
    submitted = gateway.http.post(f"/v1/services/{SERVICE}/jobs", headers=gateway.headers(), json={"job": job})
    assert submitted.status_code == 200, submitted.text
    name = submitted.json()["job"]["name"]

    listed = gateway.http.get("/v1/jobs", headers=gateway.headers()).json()["jobs"]
    assert [(each["name"], each["user"]) for each in listed] == [(name, "tester")]
    events = gateway.http.get(f"/v1/{name}:watch", headers=gateway.headers(), timeout=120).text
    assert '"JOB_STATE_SUCCEEDED"' in events, events


def test_past_the_gateway_it_answers_nobody(gateway: RunningGateway) -> None:
    address = json.loads(gateway.environment["PALMETTE_SERVICES"])[SERVICE]
    metadata = (*gateway.metadata(), ("x-palmette-user", "root"))
    with grpc.insecure_channel(address) as channel:
        list_jobs = channel.unary_unary("/palmette.v1.JobService/ListJobs")
        with pytest.raises(grpc.RpcError) as caught:
            list_jobs(b"", metadata=metadata, timeout=15)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "through the gateway" in caught.value.details()


def test_its_jobs_are_on_the_dashboard(gateway: RunningGateway) -> None:
    cookie = {"cookie": f"{COOKIE}={gateway.token(Role.VIEWER)}", "accept": "text/html"}
    (job,) = gateway.http.get("/v1/jobs", headers=gateway.headers()).json()["jobs"]
    page = gateway.http.get(f"/jobs/{SERVICE}/{job['name'].rpartition('/')[2]}", headers=cookie)
    assert page.status_code == 200
    assert "dense-training" in page.text


def test_it_is_healthy(gateway: RunningGateway) -> None:
    health = gateway.http.get("/v1/health", headers=gateway.headers()).json()
    (part,) = [part for part in health["components"] if part["name"] == f"services/{SERVICE}"]
    assert part["state"] == "HEALTH_STATE_HEALTHY"
