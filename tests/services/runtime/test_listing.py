"""Listing: every job exactly once over all pages, in order, filtered, and quickly."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from palmette_test_service.engine import NoCheck
from sqlalchemy import insert, select

from palmette_plugins.api.errors import InvalidArgument
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.database import Database
from palmette_services.runtime.database.migrate import migrate
from palmette_services.runtime.jobs.acceptance import Acceptance
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.insertion import NewJob, job_row
from palmette_services.runtime.jobs.listing import JobQuery
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import JobRow, LabelRow

SOME = 230
MANY = 100_000


def rows(number: int) -> list[dict[str, object]]:
    """Return rows of jobs with mixed states, plugins and priorities, several of which share a time."""
    job = job_pb2.Job(plugin="steps", labels={"team": "vision"})
    job.config.update({"steps": 5})
    made = []
    template = job_row(NewJob(job, "ada", "", b"\0" * 32))
    for index in range(number):
        state = list(JobState)[index % 5] if index % 100 == 0 else JobState.SUCCEEDED
        ended = 2_000_000 + index if state.ended else None
        changes = {
            "id": f"{index:026d}",
            "state": state.value,
            "plugin": f"plugin-{index % 3}",
            "priority": index % 4,
            "create_time_us": 1_000_000 + index // 3,
            "end_time_us": ended,
        }
        made.append({**template, **changes, "attempt": 0, "crashes": 0})
    return made


async def open_with(folder: Path, number: int) -> Database:
    """Return a database with that many jobs."""
    url = f"sqlite:///{folder}/list.sqlite3"
    migrate(url)
    database = Database(url)
    async with database.transaction() as connection:
        await connection.execute(insert(JobRow), rows(number))
        labels = [{"job_id": f"{index:026d}", "key": "team", "value": "vision"} for index in range(0, number, 10)]
        await connection.execute(insert(LabelRow), labels)
    return database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A few jobs."""
    opened = await open_with(tmp_path, SOME)
    yield opened
    await opened.close()


def queue(database: Database) -> JobQueue:
    """Return a queue over the database, for reading."""
    acceptance = Acceptance("testing", "", NoCheck(), lambda _resources: ())
    return JobQueue("testing", database, acceptance, JobFiles(Path()), most_queued=1)


async def page(database: Database, request: job_pb2.ListJobsRequest) -> tuple[list[job_pb2.Job], str]:
    """Return one page and the token of the next."""
    response = await queue(database).list(request)
    return list(response.jobs), response.next_page_token


async def all_pages(database: Database, **fields: object) -> list[job_pb2.Job]:
    """Return the jobs of all pages."""
    jobs: list[job_pb2.Job] = []
    token = ""
    while True:
        found, token = await page(database, job_pb2.ListJobsRequest(page_token=token, **fields))
        jobs += found
        if not token:
            return jobs


def ids(jobs: Sequence[job_pb2.Job]) -> list[int]:
    """Return the numbers of the jobs."""
    return [int(job.name.rsplit("/", 1)[-1]) for job in jobs]


@pytest.mark.parametrize("order", ["", "create_time", "create_time desc", "priority", "priority desc"])
async def test_pages_hold_every_job_exactly_once(database: Database, order: str) -> None:
    found = ids(await all_pages(database, page_size=7, order_by=order))
    assert sorted(found) == list(range(SOME))
    assert found == ids(await all_pages(database, page_size=1000, order_by=order))


async def test_default_order_is_newest_first(database: Database) -> None:
    found = await all_pages(database, page_size=50)
    created = [job.create_time.ToNanoseconds() for job in found]
    assert created == sorted(created, reverse=True)


async def test_end_time_orders_jobs_that_have_ended(database: Database) -> None:
    found = await all_pages(database, page_size=7, order_by="end_time desc")
    ended = [job.end_time.ToNanoseconds() for job in found]
    assert ended == sorted(ended, reverse=True)
    assert all(job.HasField("end_time") for job in found)


async def test_filters_join_by_and_and_commas_mean_any(database: Database) -> None:
    found = await all_pages(database, filter="state=QUEUED,SUCCEEDED AND plugin=plugin-1 AND labels.team=vision")
    assert ids(found)
    assert {job.state for job in found} <= {job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_SUCCEEDED}
    assert all(number % 3 == 1 and number % 10 == 0 for number in ids(found))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"filter": "state=SLEEPING"}, "filter"),
        ({"filter": "colour=red"}, "filter"),
        ({"filter": "state"}, "filter"),
        ({"order_by": "size"}, "order_by"),
        ({"order_by": "priority down"}, "order_by"),
        ({"page_size": -1}, "page_size"),
        ({"page_token": "nonsense"}, "page_token"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_field(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        JobQuery.parse(job_pb2.ListJobsRequest(**fields))
    assert caught.value.violations[0].field == field


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"order_by": "end_time"},
        {"filter": "state=QUEUED,FAILED"},
        {"filter": "labels.team=vision"},
        {"filter": "labels.team=vision", "order_by": "end_time desc"},
        {"filter": "plugin=plugin-1 AND labels.team=vision AND user=ada"},
        {"filter": "labels.team=hearing"},
    ],
)
async def test_total_is_the_number_of_jobs_on_all_pages(database: Database, fields: dict[str, str]) -> None:
    request = job_pb2.ListJobsRequest(page_size=7, **fields)
    expected = len(await all_pages(database, page_size=1000, **fields))
    first = await queue(database).list(request)
    request.page_token = first.next_page_token
    second = await queue(database).list(request)
    assert [first.total_size, second.total_size] == [expected, expected]


async def test_token_is_refused_under_another_filter(database: Database) -> None:
    _, token = await page(database, job_pb2.ListJobsRequest(page_size=5))
    with pytest.raises(InvalidArgument, match="another filter"):
        JobQuery.parse(job_pb2.ListJobsRequest(page_size=5, page_token=token, filter="state=QUEUED"))


@pytest.mark.slow
async def test_page_out_of_many_jobs_is_quick_wherever_it_is(tmp_path: Path) -> None:
    database = await open_with(tmp_path, MANY)
    first = job_pb2.ListJobsRequest()
    deep = JobQuery.parse(first).token(await row_of(database, MANY // 2), MANY, first)
    requests = [job_pb2.ListJobsRequest(page_token=deep), *(job_pb2.ListJobsRequest(filter=text) for text in FILTERS)]
    took_s = [[await time_of(database, request) for _ in range(5)] for request in requests]
    await database.close()
    assert [min(times) < 0.05 for times in took_s] == [True] * len(requests)


FILTERS = ["", "state=RUNNING", "plugin=plugin-2 AND state=QUEUED,RUNNING", "labels.team=vision", "user=nobody"]


async def row_of(database: Database, number: int) -> object:
    """Return the row of a job."""
    async with database.read() as connection:
        return (await connection.execute(select(JobRow.__table__).where(JobRow.id == f"{number:026d}"))).one()


async def time_of(database: Database, request: job_pb2.ListJobsRequest) -> float:
    """Return how long a page takes, in seconds."""
    start_s = time.perf_counter()
    await page(database, request)
    return time.perf_counter() - start_s
