"""Full disks, for real: small file systems that only the service under test can see."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.rpc import code_pb2
from palmette_test_service.process import ServiceProcess, eventually

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.v1 import job_pb2

MakeService = Callable[..., ServiceProcess]


def with_small_disk(folder: Path, size: str) -> list[str]:
    """Return the words before a command that give it a small file system of its own at a folder."""
    folder.mkdir(parents=True)
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    mount = f'mount -t tmpfs -o size={size} tmpfs "{folder}" && exec "$@"'
    return ["unshare", *namespaces, "sh", "-c", mount, "sh"]


@pytest.fixture
def service_on_small_store(make_service: MakeService, tmp_path: Path) -> ServiceProcess:
    """A service whose artifacts must fit into 2 MB."""
    store = tmp_path / "store"
    return make_service(wrapper=with_small_disk(store, "2m"), artifact_store_url=store)


def as_seen_by(service: ServiceProcess, folder: Path) -> Path:
    """Return where a folder that only the service sees can be looked into."""
    return Path(f"/proc/{service.pid}/root{folder}")


def test_artifact_that_does_not_fit_fails_that_job_alone(
    service_on_small_store: ServiceProcess, tmp_path: Path
) -> None:
    service = service_on_small_store
    failed = service.wait(service.submit("misbehaving", how="writes", size_bytes=8 << 20))
    fits = service.wait(service.submit("misbehaving", how="writes", size_bytes=1 << 20))
    assert failed.state == job_pb2.JOB_STATE_FAILED
    assert failed.attempt == 1
    assert failed.error.code == code_pb2.RESOURCE_EXHAUSTED
    assert "no space left on the disk" in failed.error.message
    assert "free some space, then retry" in failed.error.message
    assert fits.state == job_pb2.JOB_STATE_SUCCEEDED
    assert not failed.outputs
    store = ArtifactStore(str(as_seen_by(service, tmp_path / "store")))
    assert store.ids() == [fits.outputs["report"].names[0].removeprefix("artifacts/")]  # nothing half-written shows
    assert list((as_seen_by(service, tmp_path / "store") / "incoming").iterdir()) == []


def test_checkpoint_that_does_not_fit_fails_that_job_alone(make_service: MakeService, tmp_path: Path) -> None:
    wrapper = with_small_disk(tmp_path / "own" / "data" / "jobs", "2m")
    service = make_service(wrapper=wrapper)
    failed = service.wait(service.submit("misbehaving", how="fills_checkpoints", size_bytes=8 << 20))
    assert failed.error.message.startswith("no space left on the disk while writing a checkpoint")
    assert service.wait(service.submit("steps", steps=2)).state == job_pb2.JOB_STATE_SUCCEEDED


def test_full_disk_of_the_database_is_told_and_survived(make_service: MakeService, tmp_path: Path) -> None:
    disk = tmp_path / "small"
    service = make_service(wrapper=with_small_disk(disk, "4m"), database_url=f"sqlite:///{disk}/db.sqlite3")
    accepted = service.submit("steps", steps=1)
    service.wait(accepted)
    filler = as_seen_by(service, disk) / "filler"
    fill(filler)
    error = eventually(lambda: refusal(service), what="refusal for the full disk")
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "the disk of the service's database is full" in error.details()
    filler.unlink()
    assert service.wait(service.submit("steps", steps=1)).state == job_pb2.JOB_STATE_SUCCEEDED
    assert service.get(accepted).state == job_pb2.JOB_STATE_SUCCEEDED


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017 - the loop ends here
                return


def refusal(service: ServiceProcess) -> grpc.RpcError | None:
    """Submit a job with a large label; return the error."""
    try:
        service.submit("steps", touch="x" * 100_000)
    except grpc.RpcError as error:
        return error
    return None
