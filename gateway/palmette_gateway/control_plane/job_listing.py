"""One page of jobs out of all services, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import grpc

from palmette_gateway.control_plane import page_token
from palmette_gateway.control_plane.job_order import JobOrder, Key
from palmette_gateway.control_plane.page_token import Position
from palmette_gateway.errors import describe_silence, from_upstream, invalid_argument
from palmette_gateway.services import Service, Services
from palmette_protos.v1 import job_pb2

DEFAULT_PAGE, LARGEST_PAGE = 50, 1000
CALLER_FAULTS = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
)

ListCall = Callable[[Service, job_pb2.ListJobsRequest], Awaitable[job_pb2.ListJobsResponse]]


class _Feed:
    """The jobs of one service that are still to come, fetched page by page."""

    def __init__(self, service: Service, token: str, after: Key | None) -> None:
        self.service = service
        self.silence = ""
        self.jobs: list[job_pb2.Job] = []
        self.total: int | None = None
        self._token: str | None = token  # of the page in `jobs`
        self._next: str | None = token
        self._after = after

    async def fill(self, call: ListCall, request: job_pb2.ListJobsRequest, order: JobOrder, size: int) -> None:
        """Fetch pages until there is a job to return, or nothing more comes.

        Raises:
            CallError: The service calls the request itself wrong.
        """
        while not self.jobs and self._next is not None and not self.silence:
            self._token = self._next
            asked = job_pb2.ListJobsRequest(
                parent=f"services/{self.service.name}",
                page_size=size,
                page_token=self._token,
                filter=request.filter,
                order_by=request.order_by,
            )
            try:
                page = await call(self.service, asked)
            except grpc.aio.AioRpcError as error:
                if error.code() in CALLER_FAULTS:
                    raise from_upstream(self.service.name, str(self.service.address), error) from error
                self.silence = describe_silence(self.service.name, str(self.service.address), error)
                return
            self._next, self.total = page.next_page_token or None, page.total_size
            # Jobs that were added meanwhile may have moved ones already returned onto this page.
            after = self._after
            self.jobs = [job for job in page.jobs if after is None or order.precedes(after, order.key(job))]

    @property
    def token(self) -> str | None:
        """Where to go on after what was taken; None when nothing is left."""
        return self._token if self.jobs or self.silence else self._next


async def list_jobs(services: Services, request: job_pb2.ListJobsRequest, call: ListCall) -> job_pb2.ListJobsResponse:
    """Return one page out of all services; those that do not answer are named, and asked again for the next page.

    Raises:
        CallError: INVALID_ARGUMENT.
    """
    if request.page_size < 0:
        raise invalid_argument([("page_size", "must not be negative")])
    size = min(request.page_size or DEFAULT_PAGE, LARGEST_PAGE)
    order = JobOrder.parse(request.order_by)
    start = page_token.decode(request) if request.page_token else Position(None, dict.fromkeys(services.names, ""))
    present = [service for service in services if service.name in start.tokens]
    feeds = [_Feed(service, start.tokens[service.name], start.after) for service in present]
    await asyncio.gather(*(feed.fill(call, request, order, size) for feed in feeds))

    response, after = job_pb2.ListJobsResponse(), start.after
    while len(response.jobs) < size and any(feed.jobs for feed in feeds):
        first = _first(feeds, order)
        job = first.jobs.pop(0)
        response.jobs.append(job)
        after = order.key(job)
        await first.fill(call, request, order, size)

    totals = start.totals | {feed.service.name: feed.total for feed in feeds if feed.total is not None}
    response.total_size = sum(totals.values())
    response.unreachable.update({feed.service.name: feed.silence for feed in feeds if feed.silence})
    tokens = {feed.service.name: feed.token for feed in feeds}
    left = {name: token for name, token in tokens.items() if token is not None}
    if left.keys() - response.unreachable.keys():  # otherwise whoever pages on would never come to an end
        response.next_page_token = page_token.encode(Position(after, left, totals), request)
    return response


def _first(feeds: list[_Feed], order: JobOrder) -> _Feed:
    waiting = [feed for feed in feeds if feed.jobs]
    choose = max if order.descending else min
    return choose(waiting, key=lambda feed: order.key(feed.jobs[0]))
