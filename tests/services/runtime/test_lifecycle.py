"""Starting, draining, refusing to start, and what the process is made of."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2
from palmette_test_service.process import ServiceProcess, eventually, free_address, metric

from palmette_protos.v1 import job_pb2

MakeService = Callable[..., ServiceProcess]
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_sigterm_drains_and_jobs_go_on_at_the_next_start(make_service: MakeService) -> None:
    service = make_service(slots=1)
    name, gate = service.submit_held()
    waiting = service.submit("steps", steps=1)
    service.wait_until_held(name)
    codes: list[grpc.StatusCode] = []
    watcher = threading.Thread(target=lambda: codes.append(code_of_watch(service, name)))
    watcher.start()
    assert service.terminate() == 0
    watcher.join(10)
    assert service.workers() == []
    assert codes == [grpc.StatusCode.UNAVAILABLE]  # the client is told to come back
    service.start()
    gate.open()
    job = service.wait(name)
    reasons = [event.state.reason for event in service.events(name) if event.WhichOneof("event") == "state"]
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 2)
    assert "the service stopped; resumes from the last checkpoint" in reasons
    assert service.wait(waiting).state == job_pb2.JOB_STATE_SUCCEEDED


def code_of_watch(service: ServiceProcess, name: str) -> grpc.StatusCode:
    """Watch until the stream breaks; return why it did."""
    with pytest.raises(grpc.RpcError) as caught:
        list(service.watch(name))
    return caught.value.code()


def test_draining_service_says_so_and_refuses_work(make_service: MakeService) -> None:
    service = make_service(cancel_grace_s=5)
    name = service.submit("misbehaving", how="ignores_cancel", seconds=600)
    eventually(lambda: "started_s" in service.get(name).metrics)
    assert service.process is not None
    service.process.send_signal(signal.SIGTERM)
    eventually(lambda: service.health() == NOT_SERVING, within_s=5)
    with pytest.raises(grpc.RpcError) as caught:
        service.submit("steps", steps=1)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert service.get(name).state == job_pb2.JOB_STATE_RUNNING  # reading still works
    assert service.process.wait(30) == 0
    assert service.workers() == []


def test_second_service_on_the_same_database_is_refused(shared_service: ServiceProcess) -> None:
    second = ServiceProcess(shared_service.folder, log_format="console")
    second.start(wait=False)
    assert second.process is not None
    assert second.process.wait(30) == 1
    assert f"is in use by process {shared_service.pid}" in second.log_path.read_text()


def test_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = ServiceProcess(tmp_path)
        service.address = f"127.0.0.1:{taken.getsockname()[1]}"
        service.start(wait=False)
        assert service.process is not None
        assert service.process.wait(30) == 1
    assert f"cannot listen on {service.address}: the port is taken" in service.log_path.read_text()


def test_wrong_settings_are_named_all_at_once(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, slots=0, lease_s="soon", metrics_listen="everywhere")
    service.start(wait=False)
    assert service.process is not None
    assert service.process.wait(30) == 1
    lines = service.log_path.read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["PALMETTE_METRICS_LISTEN", "PALMETTE_SLOTS", "PALMETTE_LEASE_S"]
    assert "'everywhere' is not host:port" in lines[0]


def test_service_process_is_small_and_never_loads_torch(shared_service: ServiceProcess) -> None:
    shared_service.wait(shared_service.submit("steps", steps=1))
    process = psutil.Process(shared_service.pid)
    libraries = {mapping.path for mapping in process.memory_maps()}
    assert not [path for path in libraries if "libtorch" in path]
    assert process.memory_info().rss < 130e6


def test_importing_a_service_does_not_import_torch() -> None:
    modules = "palmette_services.pruning_growth.service, palmette_services.runtime.app"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_worker_outlives_its_forkserver_and_everything_killed_comes_back(make_service: MakeService) -> None:
    service = make_service()
    name, gate = service.submit_held()
    service.wait_until_held(name)
    worker = service.worker()
    for child in psutil.Process(service.pid).children(recursive=True):
        if child.pid != worker.pid:
            child.kill()  # forkserver, inspector
    gate.open()
    job = service.wait(name)
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 1)
    assert service.wait(service.submit("steps", steps=1)).state == job_pb2.JOB_STATE_SUCCEEDED


def test_metrics_tell_of_jobs_attempts_and_calls(make_service: MakeService) -> None:
    service = make_service(metrics_listen=free_address())
    service.wait(service.submit("steps", steps=1))
    service.wait(service.submit("misbehaving", how="raises"))
    assert metric(service, 'palmette_job_attempts_total{state="SUCCEEDED"}') == 1
    assert metric(service, 'palmette_job_attempts_total{state="FAILED"}') == 1
    assert metric(service, "palmette_job_queue_seconds_count") == 2
    assert metric(service, 'palmette_rpc_seconds_count{code="OK",method="/palmette.v1.JobService/SubmitJob"}') == 2
    eventually(lambda: metric(service, 'palmette_jobs{state="SUCCEEDED"}') == 1, within_s=10)


def test_health_and_reflection_name_every_service(shared_service: ServiceProcess) -> None:
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    names = set(ProtoReflectionDescriptorDatabase(shared_service.channel).get_services())
    assert {"palmette.v1.JobService", "palmette.v1.PluginService", "grpc.health.v1.Health"} <= names
    assert shared_service.healthy("palmette.v1.JobService")
    assert shared_service.health("palmette.v1.Nonsense") is None


def test_too_large_message_is_refused_and_the_service_lives(shared_service: ServiceProcess) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        shared_service.submit("steps", steps=1, nonsense="x" * (100 << 20))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert shared_service.healthy()
