"""The example package is installed, found by a running service, and does its work there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from palmette_protos.v1 import job_pb2, job_pb2_grpc, plugin_pb2, plugin_pb2_grpc, reference_pb2

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "magnitude-pruning"
PARENT = "services/pruning_growth"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example installed, as pip would install it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(folder), str(EXAMPLE)], check=True)
    return folder


@pytest.fixture(scope="module")
def channel(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    """A channel to a pruning_growth service that sees the installed example."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "PYTHONPATH": str(site), "PALMETTE_LISTEN": address, "PALMETTE_HOME": str(home)}
    with (home / "log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "palmette_services.pruning_growth"], env=environment, stdout=log, stderr=log
        )
        try:
            with grpc.insecure_channel(address) as channel:
                grpc.channel_ready_future(channel).result(timeout=60)
                yield channel
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=60)


def submit(channel: grpc.Channel, plugin: str, **fields: object) -> job_pb2.Job:
    job = job_pb2.Job(plugin=plugin, seed=0)
    job.inputs["data"].CopyFrom(reference_pb2.InputReferences(references=["digits"]))
    job.inputs["model"].CopyFrom(reference_pb2.InputReferences(references=[str(fields.pop("model"))]))
    job.config.update({"recipe": {"epochs": 10, "lr": 0.05}, **fields})
    request = job_pb2.SubmitJobRequest(parent=PARENT, job=job)
    return job_pb2_grpc.JobServiceStub(channel).SubmitJob(request, timeout=90).job


def wait(channel: grpc.Channel, job: job_pb2.Job) -> job_pb2.Job:
    jobs = job_pb2_grpc.JobServiceStub(channel)
    deadline_s = time.monotonic() + 120
    for _ in jobs.WatchJob(job_pb2.WatchJobRequest(name=job.name), timeout=120):
        assert time.monotonic() < deadline_s
    return jobs.GetJob(job_pb2.GetJobRequest(name=job.name), timeout=10).job


def test_the_examples_own_tests_pass(site: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_installed_method_is_in_the_catalogue(channel: grpc.Channel) -> None:
    name = f"{PARENT}/plugins/magnitude-pruning"
    plugin = (
        plugin_pb2_grpc.PluginServiceStub(channel).GetPlugin(plugin_pb2.GetPluginRequest(name=name), timeout=90).plugin
    )
    assert plugin.state == plugin_pb2.PLUGIN_STATE_READY
    assert plugin.distribution == "palmette-magnitude"
    assert plugin.paper.year == 2015
    assert "density" in plugin.config_schema["properties"]


def test_its_own_check_refuses_a_submission(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        submit(channel, "magnitude-pruning", model="zoo:mlp")
    status = rpc_status.from_call(caught.value)
    violations = error_details_pb2.BadRequest()
    assert any(detail.Unpack(violations) for detail in status.details)
    assert [violation.field for violation in violations.field_violations] == ["inputs.model"]
    assert "dense-training" in violations.field_violations[0].description


def test_it_prunes_what_a_method_of_the_suite_trained(channel: grpc.Channel) -> None:
    dense = wait(channel, submit(channel, "dense-training", model="zoo:mlp"))
    assert dense.state == job_pb2.JOB_STATE_SUCCEEDED, dense.error
    trained = dense.outputs["model"].names[0].replace("artifacts/", "artifact:")
    sparse = wait(channel, submit(channel, "magnitude-pruning", model=trained, density=0.2))
    assert sparse.state == job_pb2.JOB_STATE_SUCCEEDED, sparse.error
    assert sparse.metrics["nonzeros"] < 0.3 * sparse.metrics["parameters"]
    assert sparse.metrics["accuracy"] > 0.5
