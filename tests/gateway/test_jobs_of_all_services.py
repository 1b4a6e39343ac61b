"""JobService and PluginService over all services."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.job_book import JobBook
from tests.gateway.harness.upstream import Call, Upstream
from tests.gateway.harness.waiting import wait_for

from palmette_protos.v1 import job_pb2, job_pb2_grpc, plugin_pb2, plugin_pb2_grpc

NAMES = ("nas", "pruning_growth", "retrieval")
GONE = "retrieval"


@dataclass
class Books:
    """A gateway before three services; the third one is down."""

    gateway: RunningGateway
    upstreams: dict[str, Upstream]
    books: dict[str, JobBook]

    @property
    def jobs(self) -> job_pb2_grpc.JobServiceStub:
        """The aggregated service."""
        return job_pb2_grpc.JobServiceStub(self.gateway.channel)

    def list(self, **fields: object) -> job_pb2.ListJobsResponse:
        """One page."""
        request = job_pb2.ListJobsRequest(**fields)
        return self.jobs.ListJobs(request, metadata=self.gateway.metadata(), timeout=20)

    def walk(self, page_size: int, **fields: object) -> list[str]:
        """The ids of all jobs, page after page."""
        names: list[str] = []
        token = ""
        for _ in range(200):
            page = self.list(page_size=page_size, page_token=token, **fields)
            assert len(page.jobs) <= page_size
            names += [job.name.rpartition("/")[2] for job in page.jobs]
            token = page.next_page_token
            if not token:
                return names
        raise AssertionError("the listing does not end")


@pytest.fixture(scope="module")
def shared_books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Start it."""
    upstreams = {name: Upstream(name) for name in NAMES}
    gateway = RunningGateway(tmp_path_factory.mktemp("books"), upstreams)
    upstreams[GONE].stop()
    yield Books(gateway, upstreams, {})
    gateway.stop()
    for name in NAMES[:2]:
        upstreams[name].stop()


@pytest.fixture
def books(shared_books: Books) -> Books:
    """Empty books."""
    for upstream in shared_books.upstreams.values():
        upstream.calls.clear()
        upstream.answers.clear()
    shared_books.books = {name: JobBook(shared_books.upstreams[name]) for name in NAMES[:2]}
    return shared_books


def test_pages_merge_the_services_newest_first_and_end(books: Books) -> None:
    for second in range(20):
        books.books[NAMES[second % 2]].add(f"J{second:02}", second=second)
    assert books.walk(3) == [f"J{second:02}" for second in reversed(range(20))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    placed=st.lists(st.tuples(st.sampled_from(NAMES[:2]), st.integers(0, 5), st.integers(-1, 1)), max_size=25),
    page_size=st.integers(1, 9),
    order_by=st.sampled_from(["", "create_time", "create_time desc", "priority desc", "priority", "end_time desc"]),
)
def test_every_job_is_listed_once_and_in_order_whatever_the_order_and_the_page(
    books: Books, placed: list[tuple[str, int, int]], page_size: int, order_by: str
) -> None:
    for book in books.books.values():
        book.jobs.clear()
    everything = []
    for number, (service, second, priority) in enumerate(placed):
        books.books[service].add(f"J{number:02}", second=second, priority=priority)
        everything.append((f"J{number:02}", second, priority))
    field, _, direction = (order_by or "create_time desc").partition(" ")
    value = 2 if field == "priority" else 1
    expected = sorted(everything, key=lambda job: (job[value], job[0]), reverse=direction == "desc")

    assert books.walk(page_size, order_by=order_by) == [job[0] for job in expected]


def test_total_stays_the_sum_of_the_services_also_when_one_has_no_more(books: Books) -> None:
    books.books["nas"].add("A0", second=9)
    for second in range(5):
        books.books["pruning_growth"].add(f"B{second}", second=second)
    totals, token = [], ""
    for _ in range(3):
        page = books.list(page_size=2, page_token=token)
        totals.append(page.total_size)
        token = page.next_page_token
    assert totals == [6, 6, 6]
    assert books.list(page_size=2, filter="state=FAILED").total_size == 0


def test_jobs_that_arrive_while_pages_are_read_move_nothing(books: Books) -> None:
    for second in range(10):
        books.books[NAMES[second % 2]].add(f"J{second:02}", second=second)
    first = books.list(page_size=4)
    for number in range(5):
        books.books["nas"].add(f"NEW{number}", second=100 + number)

    second_page = books.list(page_size=4, page_token=first.next_page_token)

    seen = [job.name.rpartition("/")[2] for job in (*first.jobs, *second_page.jobs)]
    assert seen == [f"J{second:02}" for second in (9, 8, 7, 6, 5, 4, 3, 2)]


def test_a_service_that_does_not_answer_is_named_and_not_fatal(books: Books) -> None:
    books.books["nas"].add("J1", second=1)
    page = books.list()
    assert [job.name for job in page.jobs] == ["services/nas/jobs/J1"]
    assert dict(page.unreachable) == {GONE: f"{GONE} does not answer at {books.upstreams[GONE].address}"}


def test_a_filter_that_no_service_understands_is_the_callers_error(books: Books) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        books.list(filter="colour=red")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "'colour' cannot be filtered by"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"order_by": "colour"}, "order_by"),
        ({"order_by": "priority sideways"}, "order_by"),
        ({"page_token": "nonsense"}, "page_token"),
        ({"page_token": "bm9uc2Vuc2U="}, "page_token"),
    ],
)
def test_a_wrong_listing_names_its_field(books: Books, fields: dict[str, object], field: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        books.list(**fields)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    bad = error_details_pb2.BadRequest()
    assert rpc_status.from_call(caught.value).details[0].Unpack(bad)
    assert [violation.field for violation in bad.field_violations] == [field]


def test_a_token_of_another_listing_is_refused(books: Books) -> None:
    for second in range(4):
        books.books["nas"].add(f"J{second}", second=second)
    token = books.list(page_size=2).next_page_token
    with pytest.raises(grpc.RpcError) as caught:
        books.list(page_size=2, page_token=token, order_by="priority")
    assert "another filter or order" in caught.value.details()


def test_a_long_listing_asks_each_service_once_a_page(books: Books) -> None:
    for second in range(300):
        books.books[NAMES[second % 2]].add(f"J{second:03}", second=second)
    books.list(page_size=100)
    assert [book.pages for book in books.books.values()] == [1, 1]


def test_a_named_service_is_asked_alone(books: Books) -> None:
    books.books["nas"].add("J1", second=1)
    books.books["pruning_growth"].add("J2", second=2)
    assert [job.name for job in books.list(parent="services/nas").jobs] == ["services/nas/jobs/J1"]
    assert books.books["pruning_growth"].pages == 0


def test_a_job_is_found_by_its_name_and_errors_are_the_services_own(books: Books) -> None:
    name = books.books["pruning_growth"].add("J1", second=1)
    found = books.jobs.GetJob(job_pb2.GetJobRequest(name=name), metadata=books.gateway.metadata(), timeout=20)
    assert found.job.name == name
    with pytest.raises(grpc.RpcError) as caught:
        books.jobs.GetJob(job_pb2.GetJobRequest(name=f"{name}X"), metadata=books.gateway.metadata(), timeout=20)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == f"no job named '{name}X'"


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("services/pruning_grow/jobs/J1", grpc.StatusCode.NOT_FOUND, "did you mean 'pruning_growth'?"),
        ("services/zzz/jobs/J1", grpc.StatusCode.NOT_FOUND, "this suite has nas, pruning_growth, retrieval"),
        ("jobs/J1", grpc.StatusCode.INVALID_ARGUMENT, "is not of the form services/{service}/jobs/{id}"),
        ("services/nas/jobs/", grpc.StatusCode.INVALID_ARGUMENT, "is not of the form"),
        ("services/../jobs/J1", grpc.StatusCode.NOT_FOUND, "no service named '..'"),
        ("", grpc.StatusCode.INVALID_ARGUMENT, "name: is required"),
        (f"services/{GONE}/jobs/J1", grpc.StatusCode.UNAVAILABLE, f"{GONE} does not answer at"),
    ],
)
def test_a_name_that_leads_nowhere_is_explained(books: Books, name: str, code: grpc.StatusCode, text: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        books.jobs.GetJob(job_pb2.GetJobRequest(name=name), metadata=books.gateway.metadata(), timeout=20)
    assert caught.value.code() is code
    assert text in caught.value.details()


def test_a_watch_passes_events_as_they_happen_and_ends_upstream_when_the_caller_leaves(books: Books) -> None:
    events: queue.Queue[int] = queue.Queue()
    left: queue.Queue[bool] = queue.Queue()

    def watch(call: Call, context: grpc.ServicerContext) -> Iterator[job_pb2.WatchJobResponse]:
        context.add_callback(lambda: left.put(True))
        sequence = job_pb2.WatchJobRequest.FromString(call.messages[0]).after_sequence
        while context.is_active():
            sequence += 1
            yield job_pb2.WatchJobResponse(event=job_pb2.JobEvent(sequence=sequence))
            events.get(timeout=20)

    books.upstreams["nas"].answers["/palmette.v1.JobService/WatchJob"] = watch
    request = job_pb2.WatchJobRequest(name="services/nas/jobs/J1", after_sequence=41)
    stream = books.jobs.WatchJob(request, metadata=books.gateway.metadata(), timeout=60)

    assert next(stream).event.sequence == 42
    events.put(1)
    assert next(stream).event.sequence == 43
    stream.cancel()

    assert left.get(timeout=20)
    events.put(1)


def test_the_service_learns_who_called_and_under_which_request_id(books: Books) -> None:
    name = books.books["nas"].add("J1", second=1)
    request = job_pb2.GetJobRequest(name=name)
    _, call = books.jobs.GetJob.with_call(request, metadata=books.gateway.metadata(subject="vera"), timeout=20)
    (seen,) = books.upstreams["nas"].calls_of("/palmette.v1.JobService/GetJob")
    assert seen.metadata["x-palmette-user"] == "vera"
    assert seen.metadata["x-palmette-role"] == "admin"
    assert ("x-request-id", seen.metadata["x-request-id"]) in {(k, v) for k, v in call.initial_metadata()}


def test_the_callers_deadline_reaches_the_service(books: Books) -> None:
    remaining: queue.Queue[float] = queue.Queue()

    def note(_call: Call, context: grpc.ServicerContext) -> bytes:
        remaining.put(context.time_remaining())
        return b""

    books.upstreams["nas"].answers["/palmette.v1.JobService/CancelJob"] = note
    request = job_pb2.CancelJobRequest(name="services/nas/jobs/J1")
    books.jobs.CancelJob(request, metadata=books.gateway.metadata(), timeout=7)
    assert 6 < remaining.get(timeout=5) < 7.5  # it is rounded on the way


def test_plugins_of_all_services_are_listed_by_service(books: Books) -> None:
    books.books["pruning_growth"].plugins = ["random-pruning", "mixture-growth"]
    books.books["nas"].plugins = ["once-for-all"]
    stub = plugin_pb2_grpc.PluginServiceStub(books.gateway.channel)

    listed = stub.ListPlugins(plugin_pb2.ListPluginsRequest(), metadata=books.gateway.metadata(), timeout=20)

    assert [plugin.name for plugin in listed.plugins] == [
        "services/nas/plugins/once-for-all",
        "services/pruning_growth/plugins/random-pruning",
        "services/pruning_growth/plugins/mixture-growth",
    ]
    assert list(listed.unreachable) == [GONE]


def test_a_slow_service_holds_nobody_up_beyond_the_callers_deadline(books: Books) -> None:
    books.books["nas"].add("J1", second=1)
    released: queue.Queue[int] = queue.Queue()

    def hang(_call: Call, _context: grpc.ServicerContext) -> bytes:
        released.get(timeout=30)
        return b""

    books.upstreams["pruning_growth"].answers["/palmette.v1.JobService/ListJobs"] = hang
    page = books.jobs.ListJobs(job_pb2.ListJobsRequest(), metadata=books.gateway.metadata(), timeout=3)
    for _ in range(50):
        released.put(1)

    assert [job.name for job in page.jobs] == ["services/nas/jobs/J1"]
    assert "did not answer in time" in page.unreachable["pruning_growth"]


def test_health_names_the_service_that_is_down(books: Books) -> None:
    def component() -> dict[str, str]:
        health = books.gateway.http.get("/v1/health", headers=books.gateway.headers()).json()
        return next(part for part in health["components"] if part["name"] == f"services/{GONE}")

    down = wait_for(lambda: component() if component()["state"] != "HEALTH_STATE_HEALTHY" else None, "it is noticed")
    assert f"{GONE} does not answer at" in down["reason"]
    assert "start it again" in down["reason"]
