"""Who may call a service past the gateway: nobody, where there is an internal secret."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from palmette_test_service.process import ServiceProcess, eventually, free_port

from palmette_plugins.api.errors import FailedPrecondition
from palmette_protos.v1 import job_pb2, plugin_pb2
from palmette_protos.worker.v1 import worker_pb2, worker_pb2_grpc
from palmette_services.runtime.rpc.gateway_only import demanded_secret
from palmette_services.runtime.settings import ServiceSettings

FIRST, SECOND = secrets.token_hex(32), secrets.token_hex(32)
FORGED = (("x-palmette-user", "root"), ("x-palmette-role", "admin"))
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


def shows(secret: str, user: str = "ada") -> tuple[tuple[str, str], ...]:
    """Metadata as the gateway sends it."""
    return (("x-palmette-internal-secret", secret), ("x-palmette-user", user), ("x-palmette-role", "operator"))


def replace(path: Path, text: str) -> None:
    """Replace a file in one step."""
    staged = path.with_suffix(".new")
    staged.write_text(text)
    staged.replace(path)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that demands a secret; tests leave its file as it was."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "secret").write_text(f"{FIRST}\n")
    service = ServiceProcess(folder, internal_secret_file=folder / "secret", slots=1, preload="torch,grpc")
    try:
        yield service.start()
    finally:
        service.stop()


def list_jobs(service: ServiceProcess, metadata: tuple[tuple[str, str], ...]) -> grpc.StatusCode:
    """Call a harmless method; return how that went."""
    try:
        service.jobs.ListJobs(job_pb2.ListJobsRequest(parent="services/testing"), metadata=metadata, timeout=20)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def test_a_call_past_the_gateway_is_refused_and_told_what_to_do(guarded: ServiceProcess) -> None:
    with pytest.raises(grpc.RpcError) as unary:
        guarded.jobs.ListJobs(job_pb2.ListJobsRequest(parent="services/testing"), metadata=FORGED, timeout=20)
    with pytest.raises(grpc.RpcError) as stream:
        list(guarded.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), metadata=FORGED, timeout=20))
    with pytest.raises(grpc.RpcError) as other:
        guarded.jobs.DeleteJob(job_pb2.DeleteJobRequest(), metadata=shows(SECOND), timeout=20)

    assert {caught.value.code() for caught in (unary, stream, other)} == {UNAUTHENTICATED}
    assert "call the gateway's address, with a token" in unary.value.details()
    assert stream.value.details() == unary.value.details()
    assert "PALMETTE_INTERNAL_SECRET_FILE of the gateway and of this service" in other.value.details()


def test_with_the_secret_the_caller_is_believed_and_his_job_is_run_by_a_worker(guarded: ServiceProcess) -> None:
    request = job_pb2.SubmitJobRequest(parent="services/testing", job=guarded.job("steps", steps=2))
    job = guarded.jobs.SubmitJob(request, metadata=shows(FIRST, "grace"), timeout=60).job
    events = guarded.jobs.WatchJob(job_pb2.WatchJobRequest(name=job.name), metadata=shows(FIRST), timeout=120)
    *_, last = list(events)

    assert job.user == "grace"
    assert last.event.state.state == job_pb2.JOB_STATE_SUCCEEDED


def test_probes_need_no_secret_and_reflection_does(guarded: ServiceProcess) -> None:
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    with pytest.raises(grpc.RpcError) as reflection:
        list(reflection_pb2_grpc.ServerReflectionStub(guarded.channel).ServerReflectionInfo(iter([question])))

    assert guarded.health() == health_pb2.HealthCheckResponse.SERVING
    assert guarded.health("palmette.v1.JobService") == health_pb2.HealthCheckResponse.SERVING
    assert reflection.value.code() is UNAUTHENTICATED


def test_the_worker_protocol_asks_for_its_own_secret(guarded: ServiceProcess) -> None:
    stub = worker_pb2_grpc.WorkerServiceStub(guarded.channel)
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.Run(iter([worker_pb2.RunRequest(hello=worker_pb2.Hello(job="services/testing/jobs/a"))]), timeout=20))
    assert "internal secret" not in caught.value.details()
    assert "gateway" not in caught.value.details()


def test_a_secret_is_replaced_without_a_restart_and_without_a_refused_call(guarded: ServiceProcess) -> None:
    file: Any = guarded.settings["internal_secret_file"]
    answers = []
    for content in (f"{FIRST}\n{SECOND}\n", f"{SECOND}\n", "too short\n", f"{FIRST}\n"):
        replace(file, content)
        answers.append((list_jobs(guarded, shows(FIRST)), list_jobs(guarded, shows(SECOND))))

    ok = grpc.StatusCode.OK
    # The wrong one changes nothing: the one before it stays in force.
    assert answers == [(ok, ok), (UNAUTHENTICATED, ok), (UNAUTHENTICATED, ok), (ok, UNAUTHENTICATED)]
    assert guarded.log_path.read_text().count("the former internal secret stays in force") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost"])
def test_on_loopback_a_service_runs_without_a_secret(host: str) -> None:
    assert demanded_secret(ServiceSettings(listen=f"{host}:50051")) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "palmette.example"])
def test_beyond_loopback_it_takes_a_secret_or_a_word_for_the_network(host: str) -> None:
    with pytest.raises(FailedPrecondition):
        demanded_secret(ServiceSettings(listen=f"{host}:50051"))
    assert demanded_secret(ServiceSettings(listen=f"{host}:50051", trust_network=True)) is None


def test_a_service_that_would_listen_unguarded_ends_and_says_what_to_set(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path)
    service.address = f"0.0.0.0:{free_port()}"
    service.start(wait=False)
    assert service.process is not None
    assert service.process.wait(30) == 1
    output = service.log_path.read_text()
    assert f"PALMETTE_LISTEN={service.address} lets other machines connect" in output
    assert "PALMETTE_INTERNAL_SECRET_FILE" in output
    assert "PALMETTE_TRUST_NETWORK=true" in output
    assert not list(tmp_path.rglob("*.sqlite3"))


@pytest.mark.parametrize(("content", "cause"), [(None, "cannot read"), ("short\n", "32 to 512"), ("", "32 to 512")])
def test_a_secret_that_is_none_is_named(tmp_path: Path, content: str | None, cause: str) -> None:
    file = tmp_path / "the-secret"
    if content is not None:
        file.write_text(content)
    service = ServiceProcess(tmp_path / "service", internal_secret_file=file)
    service.start(wait=False)
    assert service.process is not None
    assert service.process.wait(30) == 1
    assert cause in service.log_path.read_text()
    assert f"{file} (PALMETTE_INTERNAL_SECRET_FILE)" in service.log_path.read_text()


def test_a_network_that_is_said_to_be_guarded_is_believed(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, trust_network="true", preload="grpc")
    port = free_port()
    service.address = f"0.0.0.0:{port}"
    service.start(wait=False)
    service.address = f"127.0.0.1:{port}"
    try:
        eventually(service.healthy, what="a healthy service")
        assert list_jobs(service, FORGED) is grpc.StatusCode.OK
    finally:
        service.stop()
