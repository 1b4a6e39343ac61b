"""Events: in order, exactly once, live, and gone with the client."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import grpc
from palmette_test_service.process import ServiceProcess, eventually, free_address, metric

from palmette_protos.v1 import job_pb2

MakeService = Callable[..., ServiceProcess]


def watch_through_everything(service: ServiceProcess, name: str) -> list[job_pb2.JobEvent]:
    """Watch a job to its end as a client does that reconnects with the last sequence that it saw."""
    seen: list[job_pb2.JobEvent] = []
    while True:
        try:
            seen.extend(service.watch(name, after=seen[-1].sequence if seen else 0))
            return seen
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise


def test_watch_replays_then_follows_live_and_ends_with_the_job(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("reporting", events=50, period_s=0.01)
    eventually(lambda: shared_service.get(name).last_sequence > 20)
    events = list(shared_service.watch(name))
    assert [event.sequence for event in events] == list(range(1, shared_service.get(name).last_sequence + 1))
    assert events[-1].state.state == job_pb2.JOB_STATE_SUCCEEDED
    assert [event.metric.step for event in events if event.metric.name == "sent_s"] == list(range(50))


def test_watch_from_the_middle_gives_the_rest(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("reporting", events=20)
    job = shared_service.wait(name)
    rest = list(shared_service.watch(name, after=10))
    assert [event.sequence for event in rest] == list(range(11, job.last_sequence + 1))
    assert list(shared_service.watch(name, after=job.last_sequence)) == []


def test_more_events_than_a_page_arrive_whole(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("reporting", events=3000)
    events = list(shared_service.watch(name))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert len(events) >= 3000


def test_retried_job_is_watched_beyond_its_first_end(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("misbehaving", how="raises")
    shared_service.wait(name)
    shared_service.jobs.RetryJob(job_pb2.RetryJobRequest(name=name))
    events = list(shared_service.watch(name))
    states = [event.state.state for event in events if event.WhichOneof("event") == "state"]
    assert states == [1, 2, 4, 1, 2, 4]


def test_several_watchers_see_the_same(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("reporting", events=100, period_s=0.005)
    seen: list[list[int]] = [[] for _ in range(5)]

    def follow(sequences: list[int]) -> None:
        sequences.extend(event.sequence for event in shared_service.watch(name))

    threads = [threading.Thread(target=follow, args=(sequences,)) for sequences in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(sequences == seen[0] for sequences in seen)
    assert seen[0] == list(range(1, len(seen[0]) + 1))


def test_client_that_vanishes_leaves_nothing_behind(make_service: MakeService) -> None:
    service = make_service(metrics_listen=free_address(), slots=1)
    name = service.submit("reporting", events=100_000, period_s=0.005)
    streams = [service.jobs.WatchJob(job_pb2.WatchJobRequest(name=name)) for _ in range(20)]
    for stream in streams:
        next(stream)
    eventually(lambda: metric(service, "palmette_job_watchers") == 20, within_s=15)
    service.channel.close()
    service.forget_channel()
    eventually(lambda: metric(service, "palmette_job_watchers") == 0, within_s=15)
    job = service.jobs.CancelJob(job_pb2.CancelJobRequest(name=name)).job
    assert job.cancel_requested


def test_events_arrive_exactly_once_through_restarts_of_service_and_worker(make_service: MakeService) -> None:
    service = make_service(slots=1)
    name, gate = service.submit_held(steps=100, hold_at=90, step_s=0.02)
    watcher = Watcher(service, name)
    watcher.start()
    for share in (0.15, 0.4):
        eventually(lambda share=share: service.get(name).progress.fraction > share)
        service.kill()
        service.start()
    service.wait_until_held(name)
    service.worker().kill()
    eventually(lambda: service.get(name).attempt == 2)
    gate.open()
    watcher.join(120)
    job = service.get(name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert [event.sequence for event in watcher.events] == list(range(1, job.last_sequence + 1))
    for _, events in itertools.groupby(watcher.events, key=lambda event: event.attempt):
        steps = [event.metric.step for event in events if event.metric.name == "position"]
        assert steps == sorted(set(steps))


class Watcher(threading.Thread):
    """Watches a job to its end, whatever happens."""

    def __init__(self, service: ServiceProcess, name: str) -> None:
        super().__init__(daemon=True)
        self.events: list[job_pb2.JobEvent] = []
        self._service = service
        self._name = name

    def run(self) -> None:
        """Watch."""
        self.events = watch_through_everything(self._service, self._name)
