"""What a worker may say, and what the service believes; played over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from palmette_test_service.engine import PlayedService, PlayedWorker, played_service
from sqlalchemy import select

from palmette_plugins.api.errors import ResourceExhausted
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.jobs.tables import JobRow


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[PlayedService]:
    """A service with one slot."""
    async with played_service(tmp_path) as played:
        yield played


async def connected(service: PlayedService, **fields: object) -> tuple[str, PlayedWorker]:
    """Submit a job; return its name and its worker, which has said hello."""
    name = await service.submit(**fields)
    worker = service.worker(await service.launch())
    await worker.hello()
    return name, worker


async def values(service: PlayedService, name: str) -> list[float]:
    """Return the values of all metrics stored for a job, in order."""
    found = []
    after = 0
    job = await service.jobs.get(name)
    async for event in service.jobs.watch(name):
        after = event.sequence
        if event.WhichOneof("event") == "metric":
            found.append(event.metric.value)
        if after == job.last_sequence:
            break
    return found


async def code_of(worker: PlayedWorker, **hello: object) -> grpc.StatusCode:
    """Return the status of a hello that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await worker.hello(**hello)  # type: ignore[arg-type]
    return caught.value.code()


async def test_worker_is_told_what_was_submitted(service: PlayedService) -> None:
    job = job_pb2.Job(seed=11, inputs={})
    job.inputs["data"].references.append("digits")
    job.config.update({"epochs": 3})
    await service.submit(seed=11, inputs=job.inputs, config=job.config)
    launch = await service.launch()
    start = await service.worker(launch).hello()
    assert (start.plugin, start.plugin_group, start.seed) == ("played", "palmette.methods.testing", 11)
    assert list(start.inputs["data"].references) == ["digits"]
    assert start.config.fields["epochs"].number_value == 3
    assert start.checkpoint_url.endswith(f"{launch.job.rsplit('/', 1)[-1]}/checkpoints")


async def test_secret_is_stored_as_a_hash_and_a_wrong_one_refused(service: PlayedService) -> None:
    await service.submit()
    launch = await service.launch()
    async with service.database.read() as connection:
        stored = (await connection.execute(select(JobRow.__table__))).one()
    assert launch.secret.encode() not in b"".join(repr(value).encode() for value in stored)
    assert await code_of(service.worker(launch), secret="guess") == grpc.StatusCode.UNAUTHENTICATED


async def test_another_attempt_and_an_unknown_job_are_refused(service: PlayedService) -> None:
    await service.submit()
    launch = await service.launch()
    assert await code_of(service.worker(launch), attempt=2) == grpc.StatusCode.FAILED_PRECONDITION


async def test_repeated_events_are_stored_once(service: PlayedService) -> None:
    name, first = await connected(service)
    for sequence in (1, 2, 3):
        await first.send_metric(sequence, float(sequence))
    await first.acknowledged(3)
    await first.vanish()
    second = service.worker(first.launch)
    await second.hello()
    for sequence in (2, 3, 4):  # it does not know what arrived
        await second.send_metric(sequence, float(sequence))
    await second.acknowledged(4)
    assert await values(service, name) == [1, 2, 3, 4]
    assert (await service.jobs.get(name)).metrics["value"] == 4


async def test_gap_between_events_is_refused(service: PlayedService) -> None:
    _, worker = await connected(service)
    await worker.send_metric(1, 1.0)
    await worker.acknowledged(1)
    await worker.send_metric(3, 3.0)
    with pytest.raises(grpc.aio.AioRpcError, match="missing after 1"):
        await worker.acknowledged(3)


async def test_everything_is_stored_before_the_job_ends(service: PlayedService) -> None:
    name, worker = await connected(service)
    for sequence in range(1, 300):
        await worker.send_metric(sequence, float(sequence))
    await worker.finish(299)
    async with asyncio.timeout(10):
        job = await service.jobs.wait(name)
    events = [event async for event in service.jobs.watch(name)]
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert [event.sequence for event in events] == list(range(1, job.last_sequence + 1))
    assert events[-1].state.state == job_pb2.JOB_STATE_SUCCEEDED
    assert await values(service, name) == list(range(1, 300))


async def test_cancel_goes_down_the_stream_and_its_reason_with_it(service: PlayedService) -> None:
    name, worker = await connected(service)
    await service.jobs.cancel(name, "too slow")
    response = await worker.read()
    while not response.HasField("cancel"):
        response = await worker.read()
    await worker.finish(0, job_pb2.JOB_STATE_CANCELLED)
    job = await service.jobs.wait(name)
    assert response.cancel.reason == "too slow"
    assert job.state == job_pb2.JOB_STATE_CANCELLED


async def test_worker_that_connects_after_a_cancel_hears_of_it(service: PlayedService) -> None:
    name = await service.submit()
    launch = await service.launch()
    await service.jobs.cancel(name, "at once")
    worker = service.worker(launch)
    await worker.hello()
    assert (await worker.read()).cancel.reason == "at once"


async def test_finished_attempt_says_no_more(service: PlayedService) -> None:
    name, worker = await connected(service)
    await worker.finish(0)
    await service.jobs.wait(name)
    assert await code_of(service.worker(worker.launch)) == grpc.StatusCode.FAILED_PRECONDITION


async def test_slot_is_free_only_when_the_process_is_gone(service: PlayedService) -> None:
    name, worker = await connected(service)
    await service.submit()
    await worker.finish(0)
    await service.jobs.wait(name)
    assert service.executor.launches.empty()
    service.executor.end(worker.handle)
    await service.launch()


async def test_gpus_are_given_to_one_job_at_a_time(tmp_path: Path) -> None:
    async with played_service(tmp_path, slots=4, gpus=2) as service:
        for gpus in (1, 1, 1):
            await service.submit(resources=job_pb2.Resources(gpus=gpus))
        first, second = await service.launch(), await service.launch()
        assert {first.gpus, second.gpus} == {(0,), (1,)}
        waiting = (await service.jobs.list(job_pb2.ListJobsRequest(filter="state=QUEUED"))).jobs
        assert [job.waiting_reason for job in waiting] == ["waiting for 1 GPU (0 of 2 free)"]
        service.executor.end(f"{first.job}#1")
        assert (await service.launch()).gpus == first.gpus


async def test_resumed_attempt_replaces_the_artifact_of_a_single_output(service: PlayedService) -> None:
    name, worker = await connected(service)
    for sequence, (output, artifact) in enumerate(
        [("model", "a"), ("parts", "p"), ("model", "b"), ("parts", "q"), ("parts", "p")], start=1
    ):
        committed = job_pb2.ArtifactCommitted(output=output, artifact=f"artifacts/{artifact}", kind="model")
        await worker.send(sequence, artifact=committed)
    await worker.acknowledged(5)
    job = await service.jobs.get(name)
    assert list(job.outputs["model"].names) == ["artifacts/b"]
    assert list(job.outputs["parts"].names) == ["artifacts/p", "artifacts/q"]


async def test_silent_worker_is_killed_before_the_next_attempt_starts(tmp_path: Path) -> None:
    async with played_service(tmp_path, lease_s=0.3) as service:
        await service.submit()
        first = await service.launch()
        await service.worker(first).hello()
        second = await service.launch()
        assert second.attempt == 2
        assert service.executor.killed == [f"{first.job}#1"]
        assert await code_of(service.worker(first)) == grpc.StatusCode.FAILED_PRECONDITION


async def test_restarted_service_waits_for_a_worker_whose_handle_it_knows(tmp_path: Path) -> None:
    async with played_service(tmp_path) as service:
        name, worker = await connected(service)
        await worker.send_metric(1, 1.0)
        await worker.acknowledged(1)
        address = service.address
    async with played_service(tmp_path, listen=address) as again:
        job = await again.jobs.get(name)
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_RUNNING, 1)
        resumed = PlayedWorker(again.address, worker.launch)
        await resumed.hello()
        await resumed.send_metric(2, 2.0)
        await resumed.finish(2)
        assert (await again.jobs.wait(name)).state == job_pb2.JOB_STATE_SUCCEEDED
        assert await values(again, name) == [1, 2]


async def test_full_queue_refuses_and_forgets_no_request(tmp_path: Path) -> None:
    async with played_service(tmp_path, max_queued=2, run=False) as service:
        job = job_pb2.Job(plugin="played")
        request = job_pb2.SubmitJobRequest(parent="services/testing", job=job, request_id="first")
        accepted = await service.jobs.submit(request)
        await service.submit()
        with pytest.raises(ResourceExhausted, match="the queue is full"):
            await service.submit()
        assert (await service.jobs.submit(request)).name == accepted.name  # accepted is accepted
