"""``palmette.worker.v1.WorkerService``: where workers report."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import structlog
from sqlalchemy import select

from palmette_plugins.api.entry_points import methods_group
from palmette_plugins.api.errors import FailedPrecondition, InvalidArgument
from palmette_protos.v1 import job_pb2
from palmette_protos.worker.v1 import worker_pb2, worker_pb2_grpc
from palmette_services.runtime.database import Database
from palmette_services.runtime.jobs.feed import JobFeed
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.names import JobName
from palmette_services.runtime.jobs.states import Transition
from palmette_services.runtime.jobs.tables import JobRow
from palmette_services.runtime.rpc.codes import Unauthenticated
from palmette_services.runtime.rpc.required_fields import missing_fields
from palmette_services.runtime.scheduling.attempt import Attempt
from palmette_services.runtime.scheduling.attempts import Attempts
from palmette_services.runtime.scheduling.leases import Lease, owned_by, secret_matches
from palmette_services.runtime.scheduling.reports import Reports, Stored, store_reports
from palmette_services.runtime.scheduling.worker_stream import WorkerStream

_log = structlog.get_logger(__name__)


class WorkerServicer(worker_pb2_grpc.WorkerServiceServicer):
    """Tells workers what to run and stores what they report.

    Attributes:
        on_ended: Called with the transition that a worker's report of its end led to.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        feed: JobFeed,
        attempts: Attempts,
        files: JobFiles,
        lease: Lease,
        artifact_store_url: str,
        list_outputs: Callable[[str], Awaitable[frozenset[str]]],
    ) -> None:
        self._service = service
        self._database = database
        self._feed = feed
        self._attempts = attempts
        self._files = files
        self._lease = lease
        self._artifact_store_url = artifact_store_url
        self._list_outputs = list_outputs
        self.on_ended: Callable[[Transition], None] = lambda _transition: None

    async def Run(  # noqa: N802 - named by gRPC
        self, request_iterator: AsyncIterator[worker_pb2.RunRequest], context: Any
    ) -> AsyncIterator[worker_pb2.RunResponse]:
        """Hold one worker's connection."""
        hello = await _first_message(request_iterator)
        job_id = JobName.parse(hello.job, self._service, "hello.job").id
        row = await self._proven(job_id, hello)
        attempt = self._attempts.get(job_id, hello.attempt)
        if attempt is None:
            raise FailedPrecondition(f"attempt {hello.attempt} of {hello.job} is not expected here")
        await attempt.ready.wait()
        attempt.hear()
        structlog.contextvars.bind_contextvars(job=job_id, attempt=attempt.number)
        _log.info("worker connected", pid=hello.pid, host=hello.host, resuming=hello.resuming)
        submitted = job_pb2.Job.FromString(row.submitted)
        yield worker_pb2.RunResponse(start=self._start(hello.job, attempt, submitted))
        stream = WorkerStream(attempt, request_iterator, lambda reports: self._store(reports, submitted.plugin))
        async with aclosing(stream.responses()) as responses:
            async for response in responses:
                yield response

    async def _proven(self, job_id: str, hello: worker_pb2.Hello) -> Any:
        """Return the row of the job that the worker owns; raise if it does not or cannot prove it."""
        statement = select(JobRow.submitted, JobRow.lease_secret_hash).where(*owned_by(job_id, hello.attempt))
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise FailedPrecondition(f"attempt {hello.attempt} does not own {hello.job} any more")
        if not secret_matches(hello.secret, row.lease_secret_hash):
            raise Unauthenticated(f"wrong secret for attempt {hello.attempt} of {hello.job}")
        return row

    async def _store(self, reports: Reports, plugin: str) -> Stored:
        # Asked only when it matters: just after a start the catalogue may take longer to read than a lease lasts.
        saves = any(report.event.HasField("artifact") for report in reports.events)
        lists = await self._list_outputs(plugin) if saves else frozenset()
        stored = await self._database.write(lambda connection: store_reports(connection, reports, self._lease, lists))
        if reports.events or stored.ended is not None:
            self._feed.publish(reports.job_id)
        if stored.ended is not None:
            _log.info("worker finished", state=stored.ended.after.name, reason=stored.ended.reason)
            self.on_ended(stored.ended)
        return stored

    def _start(self, name: str, attempt: Attempt, submitted: job_pb2.Job) -> worker_pb2.Start:
        return worker_pb2.Start(
            job=name,
            attempt=attempt.number,
            plugin_group=methods_group(self._service),
            plugin=submitted.plugin,
            inputs=submitted.inputs,
            config=submitted.config,
            seed=submitted.seed,
            artifact_store_url=self._artifact_store_url,
            checkpoint_url=self._files.checkpoint_url(attempt.job_id),
            resources=submitted.resources,
            lease_s=self._lease.duration_s,
        )


async def _first_message(messages: AsyncIterator[worker_pb2.RunRequest]) -> worker_pb2.Hello:
    async for message in messages:
        if not message.HasField("hello"):
            break
        violations = list(missing_fields(message.hello, "hello."))
        if violations:
            raise InvalidArgument(violations)
        return message.hello
    raise InvalidArgument.field("hello", "must be the first message of a worker")
