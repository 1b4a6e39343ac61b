"""The same promises on a real PostgreSQL server, and those that need several replicas."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2
from palmette_test_service.engine import PlayedService, played_service
from palmette_test_service.postgresql import PostgresqlServer, postgresql
from palmette_test_service.process import ServiceProcess, eventually
from sqlalchemy import func, select, update

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.clock import now_us
from palmette_services.runtime.database import Database
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.retention import delete_old_jobs
from palmette_services.runtime.jobs.tables import JobRow

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
MakeService = Callable[..., ServiceProcess]


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresqlServer]:
    """A running server."""
    with postgresql() as running:
        yield running


@pytest.fixture
def database_url(server: PostgresqlServer) -> str:
    """A database of the test's own."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{server.url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    return f"{server.url}/{name}"


def test_jobs_run_and_survive_kills(make_service: MakeService, database_url: str) -> None:
    service = make_service(database_url=database_url)
    name, gate = service.submit_held(parts=2)
    assert service.submit("steps", request_id="once", steps=1) == service.submit("steps", request_id="once", steps=1)
    strange = service.submit("misbehaving", how="speaks_strangely")
    service.wait(strange)
    service.wait_until_held(name)
    service.worker().kill()
    eventually(lambda: service.get(name).attempt == 2)
    service.wait_until_held(name)
    service.kill()
    service.start()
    gate.open()
    job = service.wait(name)
    listed = service.jobs.ListJobs(job_pb2.ListJobsRequest(filter="state=SUCCEEDED", page_size=1))
    assert job.state == service.wait(strange).state == job_pb2.JOB_STATE_SUCCEEDED
    assert len(job.outputs["parts"].names) == 2
    assert [event.sequence for event in service.events(name)] == list(range(1, job.last_sequence + 1))
    assert listed.next_page_token
    service.jobs.DeleteJob(job_pb2.DeleteJobRequest(name=name))


def test_outage_of_the_database_is_seen_in_health_and_survived(
    make_service: MakeService, database_url: str, server: PostgresqlServer
) -> None:
    service = make_service(database_url=database_url, lease_s=30)
    name, gate = service.submit_held()
    service.wait_until_held(name)
    server.stop()
    eventually(lambda: service.health() == NOT_SERVING)
    gate.open()  # what the worker reports meanwhile is stored later
    with pytest.raises(grpc.RpcError) as caught:
        service.get(name)
    server.start()
    eventually(service.healthy)
    job = service.wait(name)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "database does not answer" in caught.value.details()
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 1)
    assert [event.sequence for event in service.events(name)] == list(range(1, job.last_sequence + 1))


async def test_replicas_share_the_queue_and_no_job_runs_twice(tmp_path: Path, database_url: str) -> None:
    async with (
        played_service(tmp_path / "a", database_url, slots=8) as first,
        played_service(tmp_path / "b", database_url, slots=8) as second,
    ):
        names = await asyncio.gather(*(service.submit() for _ in range(20) for service in (first, second)))
        started: list[str] = []
        await asyncio.gather(play(first, started), play(second, started))
        states = [(await first.jobs.get(name)).state for name in names]
    assert sorted(started) == sorted(names)
    assert set(states) == {job_pb2.JOB_STATE_SUCCEEDED}


async def play(service: PlayedService, started: list[str]) -> None:
    """Be the workers of one replica until there is nothing left to start."""
    while await queued(service):
        try:
            async with asyncio.timeout(0.5):
                launch = await service.executor.launches.get()
        except TimeoutError:
            continue
        started.append(launch.job)
        worker = service.worker(launch)
        await worker.hello()
        await worker.finish(0)
        await service.jobs.wait(launch.job)
        service.executor.end(worker.handle)
    while not service.executor.launches.empty():
        started.append(service.executor.launches.get_nowait().job)


async def queued(service: PlayedService) -> bool:
    """Tell whether any job has not ended."""
    async with service.database.read() as connection:
        return bool((await connection.execute(select(func.count()).where(JobRow.state < 3))).scalar_one())


async def test_one_request_id_gives_one_job_across_replicas(tmp_path: Path, database_url: str) -> None:
    request = job_pb2.SubmitJobRequest(
        parent="services/testing", job=job_pb2.Job(plugin="played"), request_id=uuid.uuid4().hex
    )
    async with (
        played_service(tmp_path / "a", database_url, run=False) as first,
        played_service(tmp_path / "b", database_url, run=False) as second,
    ):
        jobs = await asyncio.gather(*(service.jobs.submit(request) for _ in range(10) for service in (first, second)))
    assert len({job.name for job in jobs}) == 1


async def test_cancel_and_watch_work_through_another_replica(tmp_path: Path, database_url: str) -> None:
    async with (
        played_service(tmp_path / "a", database_url, lease_s=2) as owner,
        played_service(tmp_path / "b", database_url, run=False) as other,
    ):
        name = await owner.submit()
        worker = owner.worker(await owner.launch())
        await worker.hello()
        ended = asyncio.create_task(other.jobs.wait(name))
        await other.jobs.cancel(name, "from afar")
        await worker.send_metric(1, 1.0)  # as its heartbeats would, this carries the news
        response = await worker.read()
        while not response.HasField("cancel"):
            response = await worker.read()
        await worker.finish(1, job_pb2.JOB_STATE_CANCELLED)
        async with asyncio.timeout(10):
            assert (await ended).state == job_pb2.JOB_STATE_CANCELLED
    assert response.cancel.reason == "from afar"


async def test_jobs_of_a_dead_replica_are_taken_over(tmp_path: Path, database_url: str) -> None:
    async with played_service(tmp_path / "a", database_url, lease_s=0.5) as dying:
        name = await dying.submit()
        worker = dying.worker(await dying.launch())
        await worker.hello()
    async with played_service(tmp_path / "b", database_url, lease_s=0.5) as heir:
        launch = await heir.launch()
        assert (launch.job, launch.attempt) == (name, 2)


async def test_retention_deletes_what_ended_long_ago(tmp_path: Path, database_url: str) -> None:
    async with played_service(tmp_path, database_url, slots=2) as service:
        names = [await service.submit() for _ in range(2)]
        for _ in names:
            worker = service.worker(await service.launch())
            await worker.hello()
            await worker.send_metric(1, 1.0)
            await worker.finish(1)
            await service.jobs.wait(worker.launch.job)
        files = JobFiles(tmp_path / "data")
        checkpoint = files.checkpoint_url(names[0][-26:])
        make_folder(checkpoint)
        await age(service.database, names[0], days=31)
        deleted = await delete_old_jobs(service.database, files, retention_days=30)
        left = (await service.jobs.list(job_pb2.ListJobsRequest())).jobs
    assert deleted == 1
    assert not is_folder(checkpoint)
    assert [job.name for job in left] == names[1:]


async def age(database: Database, name: str, days: int) -> None:
    """Let a job have ended some days ago."""
    async with database.transaction() as connection:
        ended = now_us() - days * 86_400_000_000
        await connection.execute(update(JobRow).where(JobRow.id == name[-26:]).values(end_time_us=ended))


def make_folder(path: str) -> None:
    """Make a folder."""
    Path(path).mkdir(parents=True)


def is_folder(path: str) -> bool:
    """Tell whether there is a folder."""
    return Path(path).is_dir()
