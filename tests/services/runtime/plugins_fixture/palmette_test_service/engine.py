"""The job engine in this process, with workers that the test plays itself over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from palmette_plugins.api.errors import FieldViolation
from palmette_plugins.api.job_spec import JobSpec
from palmette_protos.v1 import job_pb2
from palmette_protos.worker.v1 import worker_pb2, worker_pb2_grpc
from palmette_services.runtime.database import Database
from palmette_services.runtime.database.migrate import migrate
from palmette_services.runtime.executors.executor import Executor, WorkerExit, WorkerLaunch
from palmette_services.runtime.jobs.acceptance import Acceptance
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.observability.metrics import ServiceMetrics
from palmette_services.runtime.observability.traces import OFF
from palmette_services.runtime.rpc.server import make_server
from palmette_services.runtime.scheduling.capacity import Capacity
from palmette_services.runtime.scheduling.engine import JobEngine
from palmette_services.runtime.settings import ServiceSettings
from palmette_test_service.process import free_address

GPUS = 2


class PlayedExecutor(Executor):
    """Starts nothing: the test talks to the service in the worker's place, and says when the worker ends.

    Attributes:
        launches: What the workers were told, by attempt.
        killed: Handles that were killed.
    """

    def __init__(self, slots: int) -> None:
        self.launches: asyncio.Queue[WorkerLaunch] = asyncio.Queue()
        self.killed: list[str] = []
        self._slots = slots
        self._gpus: dict[str, tuple[int, ...]] = {}
        self._ends: dict[str, asyncio.Future[WorkerExit]] = {}

    @property
    def capacity(self) -> Capacity:
        """Slots, a few GPUs, and plenty of the rest."""
        return Capacity(self._slots, 100.0, GPUS, 10**12)

    def violations(self, resources: job_pb2.Resources) -> Iterable[FieldViolation]:
        """Everything is possible."""
        return ()

    async def warm(self) -> None:
        """Nothing to prepare."""

    async def start(self, launch: WorkerLaunch) -> str:
        """Note the launch."""
        handle = f"{launch.job}#{launch.attempt}"
        self._ends[handle] = asyncio.get_running_loop().create_future()
        self._gpus[handle] = launch.gpus
        self.launches.put_nowait(launch)
        return handle

    async def alive(self, handle: str) -> bool:
        """Tell whether the test has not ended the worker."""
        return handle in self._ends and not self._ends[handle].done()

    def gpus(self, handle: str) -> tuple[int, ...]:
        """Return the GPUs that the worker was given."""
        return self._gpus.get(handle, ())

    async def wait(self, handle: str) -> WorkerExit:
        """Wait until the test ends the worker."""
        return await self._ends.setdefault(handle, asyncio.get_running_loop().create_future())

    async def kill(self, handle: str) -> None:
        """Note it, and end the worker."""
        self.killed.append(handle)
        self.end(handle, WorkerExit("killed"))

    def end(self, handle: str, ended: WorkerExit | None = None) -> None:
        """End a worker."""
        if not self._ends[handle].done():
            self._ends[handle].set_result(ended or WorkerExit(""))


class NoCheck:
    """Lets every submission pass."""

    async def check(self, spec: JobSpec, within_s: float) -> None:
        """Find nothing wrong."""


@dataclass
class PlayedService:
    """Queue, engine and server over one database."""

    database: Database
    jobs: JobQueue
    engine: JobEngine
    executor: PlayedExecutor
    address: str
    running: list[asyncio.Task[None]] = field(default_factory=list)

    async def submit(self, **fields: Any) -> str:
        """Accept a job; return its name."""
        job = job_pb2.Job(plugin="played", **fields)
        return str((await self.jobs.submit(job_pb2.SubmitJobRequest(parent="services/testing", job=job))).name)

    async def launch(self) -> WorkerLaunch:
        """Return the next launch of a worker."""
        async with asyncio.timeout(10):
            return await self.executor.launches.get()

    def worker(self, launch: WorkerLaunch) -> PlayedWorker:
        """Return a worker that the test plays."""
        return PlayedWorker(self.address, launch)


class PlayedWorker:
    """One connection of a worker."""

    def __init__(self, address: str, launch: WorkerLaunch) -> None:
        self.launch = launch
        self.handle = f"{launch.job}#{launch.attempt}"
        self._channel = grpc.aio.insecure_channel(address)
        self._call: Any = worker_pb2_grpc.WorkerServiceStub(self._channel).Run()

    async def hello(self, *, secret: str | None = None, attempt: int | None = None) -> worker_pb2.Start:
        """Say hello; return what to run."""
        hello = worker_pb2.Hello(
            job=self.launch.job,
            attempt=attempt or self.launch.attempt,
            secret=secret or self.launch.secret,
        )
        await self._call.write(worker_pb2.RunRequest(hello=hello))
        return (await self.read()).start

    async def read(self) -> worker_pb2.RunResponse:
        """Return the next answer; raise what the service answered instead."""
        async with asyncio.timeout(10):
            response = await self._call.read()
            if response is grpc.aio.EOF:
                code = await self._call.code()
                raise grpc.aio.AioRpcError(code, (), (), await self._call.details())
        return response

    async def send(self, sequence: int, **kind: Any) -> None:
        """Report an event."""
        event = worker_pb2.WorkerEvent(attempt_sequence=sequence, event=job_pb2.JobEvent(**kind))
        await self._call.write(worker_pb2.RunRequest(event=event))

    async def send_metric(self, sequence: int, value: float) -> None:
        """Report a measurement."""
        await self.send(sequence, metric=job_pb2.Metric(name="value", value=value, step=sequence))

    async def acknowledged(self, sequence: int) -> None:
        """Wait until everything up to a sequence is stored."""
        while True:
            response = await self.read()
            if response.HasField("ack") and response.ack.attempt_sequence >= sequence:
                return

    async def finish(self, sequence: int, state: Any = job_pb2.JOB_STATE_SUCCEEDED) -> None:
        """Report the end."""
        finished = worker_pb2.Finished(attempt_sequence=sequence, state=state)
        await self._call.write(worker_pb2.RunRequest(finished=finished))

    async def vanish(self) -> None:
        """Break the connection."""
        await self._channel.close()


@asynccontextmanager
async def played_service(
    folder: Path, url: str = "", *, slots: int = 1, run: bool = True, **settings: Any
) -> AsyncIterator[PlayedService]:
    """Run a service whose workers the test plays."""
    address = settings.pop("listen", None) or free_address()
    values = {"listen": address, "lease_s": 10.0, "cancel_grace_s": 1.0, "data_dir": folder / "data", **settings}
    resolved = ServiceSettings(**values, database_url=url or f"sqlite:///{folder}/played.sqlite3").resolved("testing")
    await asyncio.to_thread(migrate, resolved.database_url)
    database = Database(resolved.database_url)
    database.start()
    executor = PlayedExecutor(slots)
    files = JobFiles(resolved.folder)
    jobs = JobQueue(
        "testing", database, Acceptance("testing", "", NoCheck(), executor.violations), files, resolved.max_queued
    )
    jobs.start()
    engine = JobEngine("testing", resolved, database, jobs, executor, files, ServiceMetrics(), _list_outputs, OFF)
    server = make_server(resolved.max_message_bytes)
    engine.add_to(server)
    server.add_insecure_port(address)
    await engine.adopt()
    await server.start()
    service = PlayedService(database, jobs, engine, executor, address)
    if run:
        service.running.append(asyncio.create_task(engine.run()))
    try:
        yield service
    finally:
        for task in service.running:
            task.cancel()
        await asyncio.gather(*service.running, return_exceptions=True)
        await server.stop(0)
        await jobs.close()
        await database.close()


async def _list_outputs(_plugin: str) -> frozenset[str]:
    return frozenset({"parts"})
