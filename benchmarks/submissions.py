"""How many jobs a second one service on SQLite accepts, and how long a page out of 100,000 jobs takes.

python benchmarks/submissions.py [--json FILE]
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

import grpc
from service_under_test import Figure, ServiceProcess, at_least, at_most, percentile, report, service, warm_up
from stored_jobs import LABELLED, multiply

from palmette_protos.v1 import job_pb2, job_pb2_grpc

CLIENTS = 32
DURATION_S = 8.0
STORED = 100_000
LISTS = 30
FILTERS = {
    "newest": "",
    "running ones": "state=RUNNING",
    "of one plugin": "plugin=steps",
    "with a label": "labels.team=vision",
}

Request = Callable[[int], job_pb2.SubmitJobRequest]


def same_content(_number: int) -> job_pb2.SubmitJobRequest:
    """Return a submission of the same configuration, as a sweep over seeds makes them."""
    return _request(steps=1)


def new_content(number: int) -> job_pb2.SubmitJobRequest:
    """Return a submission that the plugin has not checked before."""
    return _request(steps=1, touch=f"/nowhere/{number}")


def _request(**config: object) -> job_pb2.SubmitJobRequest:
    job = job_pb2.Job(plugin="steps", labels={"team": "vision"})
    job.config.update(config)
    return job_pb2.SubmitJobRequest(parent="services/testing", job=job, request_id=uuid.uuid4().hex)


async def rate(address: str, request: Request) -> tuple[float, float]:
    """Return submissions a second and the 95th percentile of their time in ms."""
    numbers = iter(range(10**9))
    until_s = time.perf_counter() + DURATION_S
    took_ms: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        stub = job_pb2_grpc.JobServiceStub(channel)

        async def client() -> None:
            while time.perf_counter() < until_s:
                start_s = time.perf_counter()
                await stub.SubmitJob(request(next(numbers)))
                took_ms.append(1000 * (time.perf_counter() - start_s))

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(took_ms) / DURATION_S, percentile(took_ms, 0.95)


def page_ms(under_test: ServiceProcess, request: job_pb2.ListJobsRequest) -> float:
    """Return the median time of a page."""
    took_ms = []
    for _ in range(LISTS):
        start_s = time.perf_counter()
        under_test.jobs.ListJobs(request, timeout=30)
        took_ms.append(1000 * (time.perf_counter() - start_s))
    return percentile(took_ms, 0.5)


def main() -> None:
    """Fill the queue as fast as it goes, then list."""
    figures: list[Figure] = []
    with service(slots=1, max_queued=10**9) as under_test:
        warm_up(under_test)
        busy = under_test.submit("misbehaving", how="ignores_cancel", seconds=600)
        under_test.wait_for_state(busy, job_pb2.JOB_STATE_RUNNING)
        for name, request in (("same configuration", same_content), ("new configurations", new_content)):
            per_s, p95_ms = asyncio.run(rate(under_test.address, request))
            figures.append(at_least(f"submissions, {name}", per_s, "/s", 200.0))
            figures.append(Figure(f"time of one among {CLIENTS}, p95", p95_ms, "ms"))
        under_test.terminate()
        multiply(under_test.folder / "data" / "service.sqlite3", STORED, which=LABELLED)
        under_test.start()
        token = under_test.jobs.ListJobs(job_pb2.ListJobsRequest(page_size=1000), timeout=30).next_page_token
        for name, text_ in FILTERS.items():
            figures.append(at_most(f"page, {name}", page_ms(under_test, _list(text_)), "ms", 50.0))
        deep = job_pb2.ListJobsRequest(page_token=token)
        figures.append(at_most("page, further back", page_ms(under_test, deep), "ms", 50.0))
    report(f"Submissions and lists, one service on SQLite ({STORED} jobs)", figures)


def _list(filter_: str) -> job_pb2.ListJobsRequest:
    return job_pb2.ListJobsRequest(filter=filter_)


if __name__ == "__main__":
    main()
